package org.imsg.privsep.ops;

import java.io.IOException;
import java.net.InetAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.imsg.Imsg;
import org.imsg.privsep.ops.ConfigureInterface.Change;

/**
 * A network interface of the parent's, as far as an {@code interface} line allows. For any number of threads; every method throws
 * as those of {@link Privileged} do, with the kernel's errno: ENODEV if there is no such interface.
 */
public final class PrivilegedInterface {
    private final String name;
    private final Asking asking;

    PrivilegedInterface(String name, Asking asking) {
        this.name = name;
        this.asking = asking;
    }

    /** Sends a request and waits for the answer. */
    interface Asking {
        Imsg ask(ConfigureInterface request) throws IOException;
    }

    /**
     * An address and the network it is in.
     *
     * @param address an IPv4 or IPv6 address
     * @param bits the bits of the network, 0 to 32 or to 128
     */
    public record Address(InetAddress address, int bits) {
        /**
         * Checks the bits.
         *
         * @throws IllegalArgumentException if there are more of them than the address has
         */
        public Address {
            if (bits < 0 || bits > Network.most(address))
                throw new IllegalArgumentException("the network of " + address.getHostAddress() + " has 0 to "
                        + Network.most(address) + " bits, not " + bits);
        }
    }

    /**
     * What there is to know of an interface.
     *
     * @param index its number in the kernel, 1 or more
     * @param up whether it is set up
     * @param running whether packets can pass: it is up, and the link has another end (IFF_RUNNING)
     * @param mtu the bytes of its largest packet
     * @param hardwareAddress such as {@code 00:11:22:33:44:55}; empty if it has none
     * @param addresses its addresses, the first 128 at most
     * @param routes the main table's routes through it, whoever added them, the first 64 at most
     */
    public record State(int index, boolean up, boolean running, int mtu, String hardwareAddress,
            List<Address> addresses, List<Route> routes) {}

    /**
     * A route through the interface.
     *
     * @param to the network; of 0 bits for the default route
     * @param gateway the way to it, or empty for a network on the link itself
     */
    public record Route(Address to, Optional<InetAddress> gateway) {}

    /**
     * Returns the state of the interface.
     *
     * @return the state at this moment
     * @throws IOException as said above
     */
    public State state() throws IOException {
        try (Imsg answer = asking.ask(new ConfigureInterface(Change.NONE, name, 0))) {
            List<String> found = Reply.list(answer);
            List<Address> addresses = new ArrayList<>();
            List<Route> routes = new ArrayList<>();
            for (String each : found.subList(5, found.size())) {
                int slash = each.indexOf('/');
                int blank = each.indexOf(' ');
                String bits = each.substring(slash + 1, blank < 0 ? each.length() : blank);
                Address address = new Address(InetAddress.ofLiteral(each.substring(0, slash)), Integer.parseInt(bits));
                if (blank < 0)
                    addresses.add(address);
                else
                    routes.add(new Route(address, Network.literal(each.substring(blank + 1))));
            }
            return new State(Integer.parseInt(found.get(0)), Boolean.parseBoolean(found.get(1)),
                    Boolean.parseBoolean(found.get(2)), Integer.parseInt(found.get(3)), found.get(4), addresses,
                    routes);
        }
    }

    /**
     * Adds an address, or lets one that was added so be valid for another while.
     *
     * @param address the address and its network, all of which the line allows
     * @param valid how long the kernel keeps it, in whole seconds from 1 on; 4294967295 seconds and more are forever
     * @throws IOException as said above; refused beside 64 addresses, and if it is there and was not added so
     * @throws IllegalArgumentException if it is valid for less than a second
     */
    public void addAddress(Address address, Duration valid) throws IOException {
        if (valid.toSeconds() < 1)
            throw new IllegalArgumentException("an address is valid for a second or more, not for " + valid);
        change(Change.ADD_ADDRESS, address, Optional.empty(), Math.min(valid.toSeconds(), ConfigureInterface.FOREVER));
    }

    /**
     * Removes an address that {@link #addAddress(Address, Duration)} has added.
     *
     * @param address the address and its network
     * @throws IOException as said above; EADDRNOTAVAIL if it is not there; refused if it was not added so
     */
    public void removeAddress(Address address) throws IOException {
        change(Change.REMOVE_ADDRESS, address, Optional.empty(), 0);
    }

    /**
     * Adds a route through this interface to the machine's main table. One that is there stays as it is, whoever added it.
     *
     * @param to the network, one of those the line has; of 0 bits for the default route
     * @param gateway the way to it, or empty for a network on the link itself
     * @throws IOException as said above; EEXIST if there is one
     */
    public void addRoute(Address to, Optional<InetAddress> gateway) throws IOException {
        change(Change.ADD_ROUTE, to, gateway, 0);
    }

    /**
     * Removes a route that {@link #addRoute(Address, Optional)} has made.
     *
     * @param to the network
     * @param gateway the way to it, or empty for any
     * @throws IOException as said above; ESRCH if there is none that was made so
     */
    public void removeRoute(Address to, Optional<InetAddress> gateway) throws IOException {
        change(Change.REMOVE_ROUTE, to, gateway, 0);
    }

    /**
     * Sets the interface up or down.
     *
     * @param up whether it is up then
     * @throws IOException as said above
     */
    public void setUp(boolean up) throws IOException {
        asking.ask(new ConfigureInterface(up ? Change.UP : Change.DOWN, name, 0)).close();
    }

    /**
     * Sets the size of the largest packet.
     *
     * @param bytes the size, within the bounds of the line, and at least 68
     * @throws IOException as said above; EINVAL if the hardware cannot
     */
    public void setMtu(int bytes) throws IOException {
        asking.ask(new ConfigureInterface(Change.MTU, name, bytes)).close();
    }

    private void change(Change change, Address address, Optional<InetAddress> gateway, long number) throws IOException {
        asking.ask(new ConfigureInterface(change, name, address.address().getHostAddress(), address.bits(),
                gateway.map(InetAddress::getHostAddress).orElse(""), number)).close();
    }
}
