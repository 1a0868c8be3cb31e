package org.imsg.examples.packets;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.util.HexFormat;
import java.util.Optional;

/**
 * What a frame says of itself, as far as its bytes go: any bytes are a packet.
 *
 * @param link who sent it to whom on the wire, if it goes so far
 * @param ip who sent it to whom, if it is IPv4
 * @param rpcProgram the number of the program an ONC RPC call is for
 * @param length of the frame in bytes
 * @param isCut whether it ends before what it promised
 */
record Packet(Optional<Link> link, Optional<Ip> ip, Optional<Long> rpcProgram, int length, boolean isCut) {
    private static final int IPV4 = 0x0800, TCP = 6, UDP = 17;
    private static final int ADDRESS = 6, WORD = 4;
    private static final int RPC_CALL = 0, RPC_VERSION = 2, RPC_HEADER = 6 * WORD;

    record Link(String source, String destination, int type) {}

    /** Ports are 0 for protocols without, and in all fragments but the first. */
    record Ip(InetAddress source, InetAddress destination, String protocol, int sourcePort, int destinationPort) {}

    static Packet parse(ByteBuffer frame) {
        Parsing parsing = new Parsing(frame.slice());
        boolean cut = false;
        try {
            parsing.link();
        } catch (BufferUnderflowException | IndexOutOfBoundsException | IllegalArgumentException _) {
            cut = true;
        }
        return new Packet(Optional.ofNullable(parsing.link), Optional.ofNullable(parsing.ip),
                Optional.ofNullable(parsing.program), frame.remaining(), cut);
    }

    /** Takes the layers off one by one; every get beyond the end throws. */
    private static final class Parsing {
        private final ByteBuffer bytes;
        private Link link;
        private Ip ip;
        private Long program;

        Parsing(ByteBuffer bytes) {
            this.bytes = bytes;
        }

        void link() {
            String destination = ethernetAddress();
            link = new Link(ethernetAddress(), destination, bytes.getShort() & 0xFFFF);
            if (link.type == IPV4)
                ip();
        }

        private String ethernetAddress() {
            byte[] address = new byte[ADDRESS];
            bytes.get(address);
            return HexFormat.ofDelimiter(":").formatHex(address);
        }

        private void ip() {
            int start = bytes.position();
            int headerLength = (bytes.get() & 0xF) * WORD;
            int fragment = bytes.getShort(start + 6) & 0x1FFF;
            int protocol = bytes.get(start + 9) & 0xFF;
            bytes.position(start + 12);
            ip = new Ip(internetAddress(), internetAddress(), name(protocol), 0, 0);
            bytes.position(start + headerLength);
            if (fragment == 0 && (protocol == TCP || protocol == UDP))
                ports(protocol);
        }

        private InetAddress internetAddress() {
            byte[] address = new byte[WORD];
            bytes.get(address);
            try {
                return InetAddress.getByAddress(address);
            } catch (UnknownHostException e) {
                throw new IllegalStateException("four bytes are an address", e);
            }
        }

        private static String name(int protocol) {
            return switch (protocol) {
                case 1 -> "icmp";
                case TCP -> "tcp";
                case UDP -> "udp";
                default -> "protocol " + protocol;
            };
        }

        private void ports(int protocol) {
            ip = new Ip(ip.source, ip.destination, ip.protocol, bytes.getShort() & 0xFFFF, bytes.getShort() & 0xFFFF);
            if (protocol == UDP)
                call(bytes.position() + WORD);
        }

        /** A call of ONC RPC: its number, 0 for a call, 2 for the version, and the program. */
        private void call(int at) {
            if (bytes.limit() >= at + RPC_HEADER && bytes.getInt(at + WORD) == RPC_CALL
                    && bytes.getInt(at + 2 * WORD) == RPC_VERSION)
                program = Integer.toUnsignedLong(bytes.getInt(at + 3 * WORD));
        }
    }
}
