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

    private static final int HEADER = 16;
    private static final int LINK_BODY = 16;
    private static final int ADDRESS_BODY = 8;

    private static final int IFF_UP = 1;
    private static final int IFLA_ADDRESS = 1;
    private static final int IFLA_IFNAME = 3;
    private static final int IFLA_MTU = 4;
    private static final int IFA_ADDRESS = 1;
    private static final int IFA_LOCAL = 2;
    private static final int IFA_BROADCAST = 4;
    private static final int IFA_CACHEINFO = 6;
    private static final int RTA_DST = 1;
    private static final int RTA_OIF = 4;
    private static final int RTA_GATEWAY = 5;

    private static final byte TABLE_MAIN = (byte) 254;
    /** Marks the routes made here: only those are removed. */
    private static final byte PROTOCOL_DHCP = 16;
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

    /** What the kernel knows of an interface beside its addresses. */
    record Link(int index, boolean up, int mtu, byte[] hardware) {}

    Link link() throws IOException {
        begin(GET_LINK, 0);
        message.putLong(0).putLong(0);
        byte[] asked = Arrays.copyOf(name.getBytes(UTF_8), name.getBytes(UTF_8).length + 1);
        add(IFLA_IFNAME, asked);
        send();
        receive();
        int found = message.getInt(HEADER + 4);
        boolean up = (message.getInt(HEADER + 8) & IFF_UP) != 0;
        Map<Integer, byte[]> attributes = attributes(HEADER + LINK_BODY, message.limit());
        return new Link(found, up, ByteBuffer.wrap(attributes.get(IFLA_MTU)).order(ByteOrder.nativeOrder()).getInt(),
                attributes.getOrDefault(IFLA_ADDRESS, new byte[0]));
    }

    List<Network> addresses() throws IOException {
        begin(GET_ADDRESS, DUMP);
        message.putLong(0);
        send();
        List<Network> addresses = new ArrayList<>();
        for (boolean done = false; !done;) {
            receive();
            for (int at = 0; at < message.limit() && !done; at += message.getInt(at) + 3 & ~3) {
                done = message.getShort(at + 4) == DONE;
                if (!done && message.getInt(at + HEADER + 4) == index)
                    addresses.add(addressAt(at));
            }
        }
        return addresses;
    }

    private Network addressAt(int at) throws IOException {
        Map<Integer, byte[]> attributes = attributes(at + HEADER + ADDRESS_BODY, at + message.getInt(at));
        // The other end's address is the second of a link that has two ends.
        byte[] own = attributes.getOrDefault(IFA_LOCAL, attributes.get(IFA_ADDRESS));
        return new Network(InetAddress.getByAddress(own), message.get(at + HEADER + 1) & 0xFF);
    }

    private Map<Integer, byte[]> attributes(int from, int to) {
        Map<Integer, byte[]> attributes = new HashMap<>();
        for (int at = from; at < to; at += message.getShort(at) + 3 & ~3) {
            byte[] value = new byte[message.getShort(at) - 4];
            message.get(at + 4, value);
            attributes.put((int) message.getShort(at + 2), value);
        }
        return attributes;
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

    /** Adds an address, or lets one that is there be valid anew. */
    void addAddress(Network address, long seconds) throws IOException {
        begin(NEW_ADDRESS, ACK | CREATE | REPLACE);
        address(address);
        if (address.address() instanceof Inet4Address && address.bits() < 31)
            add(IFA_BROADCAST, broadcast(address));
        message.putShort((short) 20).putShort((short) IFA_CACHEINFO).putInt((int) seconds).putInt((int) seconds)
                .putLong(0);
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
