package org.imsg.privsep.ops;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.imsg.unix.ErrnoException.check;

import java.io.IOException;
import java.net.Inet4Address;
import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.imsg.sys.Constants;
import org.imsg.sys.Os;
import org.imsg.sys.Posix;
import org.imsg.unix.ErrnoException;
import org.imsg.unix.Fd;
import org.imsg.unix.FdChannel;

/**
 * Reads and changes addresses, routes and the link of one interface: rtnetlink(7) of Linux, whose messages are in the byte order of
 * the machine. The kernel answers each request while it is sent. Every method throws an {@link ErrnoException} with the kernel's
 * number. (The JDK's NetworkInterface does not find an interface that has no address yet.)
 */
final class RouteSocket implements AutoCloseable {
    private static final int AF_NETLINK = 16;
    private static final int SOCK_RAW = 3;
    private static final byte AF_INET = 2;
    private static final byte AF_INET6 = 10;

    private static final int REQUEST = 0x1;
    private static final int ACK = 0x4;
    private static final int DUMP = 0x300;
    private static final int REPLACE = 0x100;
    private static final int EXCLUSIVE = 0x200;
    private static final int CREATE = 0x400;

    private static final int ERROR = 2;
    private static final int DONE = 3;
    private static final int NEW_LINK = 16;
    private static final int GET_LINK = 18;
    private static final int NEW_ADDRESS = 20;
    private static final int DELETE_ADDRESS = 21;
    private static final int GET_ADDRESS = 22;
    private static final int NEW_ROUTE = 24;
    private static final int DELETE_ROUTE = 25;
    private static final int GET_ROUTE = 26;

    private static final int HEADER = 16;
    private static final int LINK_BODY = 16;
    private static final int ADDRESS_BODY = 8;
    private static final int ROUTE_BODY = 12;
    private static final int ATTRIBUTE_HEADER = 4;

    private static final int IFF_UP = 1;
    private static final int IFF_RUNNING = 0x40;
    private static final int IFLA_ADDRESS = 1;
    private static final int IFLA_IFNAME = 3;
    private static final int IFLA_MTU = 4;
    private static final int IFA_ADDRESS = 1;
    private static final int IFA_LOCAL = 2;
    private static final int IFA_BROADCAST = 4;
    private static final int IFA_CACHEINFO = 6;
    private static final int IFA_PROTO = 11;
    private static final int RTA_DST = 1;
    private static final int RTA_OIF = 4;
    private static final int RTA_GATEWAY = 5;

    private static final byte TABLE_MAIN = (byte) 254;
    /** Marks the routes and addresses made here: only those are removed. */
    private static final byte PROTOCOL_DHCP = 16;
    private static final byte[] MADE_HERE = {PROTOCOL_DHCP};
    private static final byte SCOPE_LINK = (byte) 253;
    private static final byte UNICAST = 1;

    private final FdChannel socket;
    private final String name;
    private final ByteBuffer message = ByteBuffer.allocate(1 << 15).order(ByteOrder.nativeOrder());
    private int index;

    private RouteSocket(FdChannel socket, String name) {
        this.socket = socket;
        this.name = name;
    }

    /** Finds an interface; ENODEV if there is none. */
    static RouteSocket open(String name) throws IOException {
        if (Os.current() != Os.LINUX)
            throw new IOException("an interface and its packets take Linux");
        RouteSocket opened = new RouteSocket(new FdChannel(Fd.of(check("socket", "netlink",
                Posix.socket(AF_NETLINK, SOCK_RAW | Constants.SOCK_CLOEXEC, 0)))), name);
        try {
            opened.index = opened.link().index;
            return opened;
        } catch (IOException | RuntimeException | Error e) {
            opened.close();
            throw e;
        }
    }

    int index() {
        return index;
    }

    /** What the kernel knows of an interface beside its addresses and routes. */
    record Link(int index, boolean up, boolean running, int mtu, byte[] hardware) {}

    /**
     * An address as the kernel has it.
     *
     * @param foreign whether the kernel tells that it was not made here
     */
    record Held(Network network, boolean foreign) {}

    /** A route of the main table; without a gateway it leads to the link itself. */
    record Route(Network to, Optional<InetAddress> gateway) {}

    Link link() throws IOException {
        begin(GET_LINK, 0);
        message.putLong(0).putLong(0);
        byte[] asked = Arrays.copyOf(name.getBytes(UTF_8), name.getBytes(UTF_8).length + 1);
        add(IFLA_IFNAME, asked);
        send();
        receive();
        expect(message.getShort(4) == NEW_LINK && message.limit() >= HEADER + LINK_BODY);
        int found = message.getInt(HEADER + 4);
        int flags = message.getInt(HEADER + 8);
        Map<Integer, byte[]> attributes = attributes(message, HEADER + LINK_BODY, message.limit());
        byte[] mtu = attributes.getOrDefault(IFLA_MTU, new byte[0]);
        expect(mtu.length == Integer.BYTES);
        return new Link(found, (flags & IFF_UP) != 0, (flags & IFF_RUNNING) != 0,
                ByteBuffer.wrap(mtu).order(ByteOrder.nativeOrder()).getInt(),
                attributes.getOrDefault(IFLA_ADDRESS, new byte[0]));
    }

    List<Held> addresses() throws IOException {
        begin(GET_ADDRESS, DUMP);
        message.putLong(0);
        send();
        List<Held> addresses = new ArrayList<>();
        boolean told = tellsMakers(System.getProperty("os.version"));
        dump(ADDRESS_BODY, (body, attributes) -> {
            // The other end's address is the second of a link that has two ends.
            byte[] own = attributes.getOrDefault(IFA_LOCAL, attributes.getOrDefault(IFA_ADDRESS, new byte[0]));
            if (message.getInt(body + 4) == index)
                addresses.add(new Held(new Network(InetAddress.getByAddress(own), message.get(body + 1) & 0xFF),
                        told && !Arrays.equals(attributes.get(IFA_PROTO), MADE_HERE)));
        });
        return addresses;
    }

    /** The routes of the main table that lead through the interface, to a network or all of them, and no more of them than this. */
    List<Route> routes(int most) throws IOException {
        begin(GET_ROUTE, DUMP);
        message.putLong(0).putInt(0);
        send();
        List<Route> routes = new ArrayList<>();
        dump(ROUTE_BODY, (body, attributes) -> {
            int family = message.get(body);
            boolean ours = (family == AF_INET || family == AF_INET6) && message.get(body + 4) == TABLE_MAIN
                    && message.get(body + 7) == UNICAST && routes.size() < most
                    && Arrays.equals(attributes.get(RTA_OIF), native32(index));
            if (ours) {
                byte[] all = new byte[family == AF_INET ? 4 : 16];
                byte[] gateway = attributes.get(RTA_GATEWAY);
                routes.add(new Route(
                        new Network(InetAddress.getByAddress(attributes.getOrDefault(RTA_DST, all)),
                                message.get(body + 1) & 0xFF),
                        gateway == null ? Optional.empty() : Optional.of(InetAddress.getByAddress(gateway))));
            }
        });
        return routes;
    }

    /** Whether this release of Linux keeps who made an address: 5.18 and later do. */
    static boolean tellsMakers(String release) {
        String[] numbers = release.split("[^0-9]", 3);
        int major = Integer.parseInt(numbers[0]);
        return major > 5 || major == 5 && Integer.parseInt(numbers[1]) >= 18;
    }

    private static byte[] native32(int value) {
        return ByteBuffer.allocate(Integer.BYTES).order(ByteOrder.nativeOrder()).putInt(value).array();
    }

    /** Is given each message of an answer: where its body begins, and its attributes. */
    private interface Part {
        void at(int body, Map<Integer, byte[]> attributes) throws IOException;
    }

    private void dump(int bodyLength, Part part) throws IOException {
        for (boolean done = false; !done;) {
            receive();
            for (int at = 0; at < message.limit() && !done; at += message.getInt(at) + 3 & ~3) {
                int end = end(message, at, message.limit());
                done = message.getShort(at + 4) == DONE;
                if (!done) {
                    expect(end >= at + HEADER + bodyLength);
                    part.at(at + HEADER, attributes(message, at + HEADER + bodyLength, end));
                }
            }
        }
    }

    /** Where a message ends that is all there. */
    private static int end(ByteBuffer message, int at, int limit) throws IOException {
        expect(limit - at >= HEADER && message.getInt(at) >= HEADER && message.getInt(at) <= limit - at);
        return at + message.getInt(at);
    }

    /** The attributes of a message, by their numbers; a length that cannot be ends the reading. */
    static Map<Integer, byte[]> attributes(ByteBuffer message, int from, int to) throws IOException {
        Map<Integer, byte[]> attributes = new HashMap<>();
        for (int at = from; at < to; at += Short.toUnsignedInt(message.getShort(at)) + 3 & ~3) {
            int length = to - at < ATTRIBUTE_HEADER ? 0 : Short.toUnsignedInt(message.getShort(at));
            expect(length >= ATTRIBUTE_HEADER && length <= to - at);
            byte[] value = new byte[length - ATTRIBUTE_HEADER];
            message.get(at + ATTRIBUTE_HEADER, value);
            attributes.put((int) message.getShort(at + 2), value);
        }
        return attributes;
    }

    private static void expect(boolean holds) throws IOException {
        if (!holds)
            throw new IOException("netlink: an answer of the kernel that makes no sense");
    }

    void setUp(boolean up) throws IOException {
        begin(NEW_LINK, ACK);
        addLink(up ? IFF_UP : 0, IFF_UP);
        ask();
    }

    void setMtu(int bytes) throws IOException {
        begin(NEW_LINK, ACK);
        addLink(0, 0);
        add(IFLA_MTU, bytes);
        ask();
    }

    /** The body of a message about the link: struct ifinfomsg. */
    private void addLink(int flags, int changed) {
        message.putInt(0).putInt(index).putInt(flags).putInt(changed);
    }

    /** Adds an address, or lets one that is there be valid for another while. */
    void addAddress(Network address, long seconds, boolean renewed) throws IOException {
        begin(NEW_ADDRESS, ACK | CREATE | (renewed ? REPLACE : EXCLUSIVE));
        address(address);
        if (address.address() instanceof Inet4Address && address.bits() < 31)
            add(IFA_BROADCAST, broadcast(address));
        message.putShort((short) 20).putShort((short) IFA_CACHEINFO).putInt((int) seconds).putInt((int) seconds)
                .putLong(0);
        add(IFA_PROTO, MADE_HERE);
        ask();
    }

    void removeAddress(Network address) throws IOException {
        begin(DELETE_ADDRESS, ACK);
        address(address);
        ask();
    }

    /** The body of a message about an address: struct ifaddrmsg. */
    private void address(Network address) {
        message.put(family(address.address())).put((byte) address.bits()).putShort((short) 0).putInt(index);
        add(IFA_LOCAL, address.address().getAddress());
        add(IFA_ADDRESS, address.address().getAddress());
    }

    private static byte[] broadcast(Network network) {
        byte[] address = network.address().getAddress();
        for (int bit = network.bits(); bit < Network.most(network.address()); bit++)
            address[bit / 8] |= (byte) (0x80 >> bit % 8);
        return address;
    }

    void addRoute(Network to, Optional<InetAddress> gateway) throws IOException {
        begin(NEW_ROUTE, ACK | CREATE | EXCLUSIVE);
        route(to, gateway);
        ask();
    }

    void removeRoute(Network to, Optional<InetAddress> gateway) throws IOException {
        begin(DELETE_ROUTE, ACK);
        route(to, gateway);
        ask();
    }

    /** The body of a message about a route: struct rtmsg. */
    private void route(Network to, Optional<InetAddress> gateway) {
        boolean direct = gateway.isEmpty() && to.address() instanceof Inet4Address;
        message.put(family(to.address())).put((byte) to.bits()).put((byte) 0).put((byte) 0).put(TABLE_MAIN)
                .put(PROTOCOL_DHCP).put(direct ? SCOPE_LINK : 0).put(UNICAST).putInt(0);
        add(RTA_DST, to.address().getAddress());
        gateway.ifPresent(through -> add(RTA_GATEWAY, through.getAddress()));
        add(RTA_OIF, index);
    }

    private static byte family(InetAddress address) {
        return address instanceof Inet4Address ? AF_INET : AF_INET6;
    }

    /** The header of a message; the length is set at its end. */
    private void begin(int type, int flags) {
        message.clear().putInt(0).putShort((short) type).putShort((short) (REQUEST | flags)).putLong(0);
    }

    private void add(int attribute, int value) {
        message.putShort((short) 8).putShort((short) attribute).putInt(value);
    }

    private void add(int attribute, byte[] value) {
        message.putShort((short) (4 + value.length)).putShort((short) attribute).put(value);
        message.position(message.position() + 3 & ~3);
    }

    private void send() throws IOException {
        message.putInt(0, message.position()).flip();
        socket.write(message);
    }

    /** Reads an answer; one that is an error has the negative errno after the header, and 0 for none. */
    private void receive() throws IOException {
        socket.read(message.clear());
        message.flip();
        end(message, 0, message.limit());
        if (message.getShort(4) == ERROR)
            check("netlink", name, message.getInt(HEADER));
    }

    /** Sends a message that the kernel answers with an error or none. */
    private void ask() throws IOException {
        send();
        receive();
    }

    @Override
    public void close() throws IOException {
        socket.close();
    }
}
