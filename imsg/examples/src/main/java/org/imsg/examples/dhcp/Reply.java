package org.imsg.examples.dhcp;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** A server's answer: RFC 2131 and 2132. Any bytes can be looked at: an answer to another client, and what is no answer, is empty. */
record Reply(Kind kind, Optional<Lease> lease) {
    /** The kinds that a client waits for. */
    enum Kind {
        OFFER(2), ACK(5), NAK(6);

        private final int number;

        Kind(int number) {
            this.number = number;
        }
    }

    private static final int IPV4 = 0x0800;
    private static final int UDP = 17;
    private static final int COOKIE = 0x63825363;
    private static final int FIXED_PART = 236;
    private static final Duration SHORTEST = Duration.ofSeconds(10);

    private static final int MASK = 1;
    private static final int ROUTER = 3;
    private static final int NAME_SERVERS = 6;
    private static final int TIME = 51;
    private static final int TYPE = 53;
    private static final int SERVER = 54;

    static Optional<Reply> of(ByteBuffer frame, int transaction, byte[] hardware) {
        try {
            ByteBuffer message = datagram(frame.slice());
            boolean ours = message.get(0) == 2 && message.getInt(4) == transaction
                    && Arrays.equals(hardware, bytes(message.slice(28, hardware.length)))
                    && message.getInt(FIXED_PART) == COOKIE;
            if (!ours)
                return Optional.empty();
            Map<Integer, byte[]> options = options(message.slice(FIXED_PART + 4, message.limit() - FIXED_PART - 4));
            InetAddress address = address(bytes(message.slice(16, 4)));
            return kind(options).map(kind -> new Reply(kind, kind == Kind.NAK
                    ? Optional.empty()
                    : lease(address, options)));
        } catch (BufferUnderflowException | IndexOutOfBoundsException | IllegalArgumentException _) {
            return Optional.empty();
        }
    }

    /** The content of a UDP datagram from port 67 in an Ethernet frame. */
    private static ByteBuffer datagram(ByteBuffer frame) {
        require((frame.getShort(12) & 0xFFFF) == IPV4);
        ByteBuffer ip = frame.slice(14, frame.limit() - 14);
        int header = (ip.get(0) & 0xF) * 4;
        require((ip.get(0) >> 4 & 0xF) == 4 && header >= 20 && ip.get(9) == UDP && (ip.getShort(6) & 0x3FFF) == 0);
        ByteBuffer udp = ip.slice(header, Math.min(ip.limit(), ip.getShort(2) & 0xFFFF) - header);
        require(udp.getShort(0) == 67 && udp.getShort(2) == 68);
        return udp.slice(8, Math.min(udp.limit(), udp.getShort(4) & 0xFFFF) - 8);
    }

    private static void require(boolean holds) {
        if (!holds)
            throw new IllegalArgumentException("not a message of DHCP");
    }

    private static Map<Integer, byte[]> options(ByteBuffer bytes) {
        Map<Integer, byte[]> options = new HashMap<>();
        while (bytes.hasRemaining()) {
            int code = bytes.get() & 0xFF;
            if (code == 255)
                break;
            if (code == 0)
                continue;
            byte[] value = new byte[bytes.get() & 0xFF];
            bytes.get(value);
            options.putIfAbsent(code, value);
        }
        return options;
    }

    private static Optional<Kind> kind(Map<Integer, byte[]> options) {
        byte[] type = options.getOrDefault(TYPE, new byte[1]);
        return Arrays.stream(Kind.values()).filter(each -> each.number == type[0]).findAny();
    }

    /** A lease without what a client needs is none. */
    private static Optional<Lease> lease(InetAddress address, Map<Integer, byte[]> options) {
        byte[] mask = options.getOrDefault(MASK, new byte[0]);
        byte[] time = options.getOrDefault(TIME, new byte[0]);
        List<InetAddress> servers = addresses(options.get(SERVER));
        if (mask.length != 4 || time.length != 4 || servers.size() != 1 || address.isAnyLocalAddress()
                || address.isMulticastAddress() || address.isLoopbackAddress())
            return Optional.empty();
        int bits = Integer.bitCount(ByteBuffer.wrap(mask).getInt());
        Duration valid = Duration.ofSeconds(Integer.toUnsignedLong(ByteBuffer.wrap(time).getInt()));
        boolean whole = Integer.numberOfTrailingZeros(ByteBuffer.wrap(mask).getInt()) >= 32 - bits && bits >= 8;
        if (!whole || valid.compareTo(SHORTEST) < 0)
            return Optional.empty();
        return Optional.of(new Lease(address, bits, addresses(options.get(ROUTER)).stream().findFirst(),
                addresses(options.get(NAME_SERVERS)), servers.getFirst(), valid));
    }

    private static List<InetAddress> addresses(byte[] option) {
        List<InetAddress> addresses = new ArrayList<>();
        for (int i = 0; option != null && i + 4 <= option.length; i += 4)
            addresses.add(address(Arrays.copyOfRange(option, i, i + 4)));
        return addresses;
    }

    private static InetAddress address(byte[] four) {
        try {
            return InetAddress.getByAddress(four);
        } catch (UnknownHostException e) {
            throw new IllegalArgumentException(e);
        }
    }

    private static byte[] bytes(ByteBuffer from) {
        byte[] bytes = new byte[from.remaining()];
        from.get(bytes);
        return bytes;
    }
}
