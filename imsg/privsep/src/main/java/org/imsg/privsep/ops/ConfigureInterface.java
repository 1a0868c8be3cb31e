package org.imsg.privsep.ops;

import java.io.IOException;
import java.net.InetAddress;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.imsg.Ibuf;
import org.imsg.privsep.ops.Operation.Effect;
import org.imsg.unix.ErrnoException;

/**
 * Tells the state of a network interface, or changes one thing of it: an address, a route, the link.
 *
 * @param address of the interface, or of the network that a route leads to; empty for the rest
 * @param bits the length of the address's network
 * @param gateway where a route leads through; empty for what is reached without
 * @param value seconds that an address is valid, or bytes of the largest packet
 */
record ConfigureInterface(Change change, String name, String address, int bits, String gateway, long value)
        implements
            Operation.Request {
    static final Operation<ConfigureInterface, Rule> OPERATION = new Operation<>(Effect.CHANGE, 12, "interface",
            ConfigureInterface::read, Rule::of, ConfigureInterface::perform);
    /** An address without an end, as the kernel has it. */
    static final long FOREVER = 0xFFFF_FFFFL;
    /** The smallest packet of IPv4. */
    static final int LEAST_MTU = 68;
    /** The most addresses of an interface beside which a child gets one more. */
    private static final int MOST_ADDRESSES = 64;
    /** The most routes a child is told. */
    private static final int MOST_ROUTES = 64;

    /** The kinds of requests; their order is that of the numbers on the wire, from 0 on. */
    enum Change {
        NONE("tell the state"), ADD_ADDRESS("add the address"), REMOVE_ADDRESS("remove the address"), ADD_ROUTE(
                "add the route"), REMOVE_ROUTE("remove the route"), UP("set up"), DOWN("set down"), MTU("set the MTU");

        private final String words;

        Change(String words) {
            this.words = words;
        }

        private boolean isOfAddress() {
            return this == ADD_ADDRESS || this == REMOVE_ADDRESS;
        }

        private boolean isOfRoute() {
            return this == ADD_ROUTE || this == REMOVE_ROUTE;
        }
    }

    /** A request without an address. */
    ConfigureInterface(Change change, String name, long value) {
        this(change, name, "", 0, "", value);
    }

    @Override
    public int number() {
        return OPERATION.number();
    }

    @Override
    public void addTo(Ibuf payload) {
        payload.addN8(change.ordinal());
        Fields.addString(payload, name);
        Fields.addString(payload, address).addN8(bits);
        Fields.addString(payload, gateway).addN32(value);
    }

    private static ConfigureInterface read(Fields fields) throws MalformedRequestException {
        ConfigureInterface request = new ConfigureInterface(fields.oneOf("change", Change.values()),
                fields.string("interface"), fields.string("address"), fields.n8("bits"), fields.string("gateway"),
                Integer.toUnsignedLong(fields.n32("number")));
        require(request.name.matches(OpenPackets.NAME), "an interface has a name of 1 to 15 characters");
        Optional<InetAddress> address = Network.literal(request.address);
        Optional<InetAddress> gateway = Network.literal(request.gateway);
        boolean hasAddress = request.change.isOfAddress() || request.change.isOfRoute();
        require(hasAddress ? address.isPresent() : request.address.isEmpty(), "the address fits the change");
        require(request.bits <= address.map(Network::most).orElse(0), "the bits are those of the address");
        require(request.gateway.isEmpty() || request.change.isOfRoute() && gateway.isPresent()
                && gateway.get().getClass() == address.get().getClass(), "the gateway is one of the route's family");
        return request;
    }

    private static void require(boolean holds, String what) throws MalformedRequestException {
        if (!holds)
            throw new MalformedRequestException("expected that " + what);
    }

    @Override
    public String toString() {
        return change.words + switch (change) {
            case NONE, UP, DOWN -> "";
            case ADD_ADDRESS, REMOVE_ADDRESS -> " " + network();
            case ADD_ROUTE, REMOVE_ROUTE -> " " + network() + (gateway.isEmpty() ? "" : " through " + gateway);
            case MTU -> " " + value;
        } + " of " + name;
    }

    private Network network() {
        return new Network(Network.literal(address).orElseThrow(), bits);
    }

    /** {@code interface [address=NETWORK[,NETWORK]] [route=NETWORK[,NETWORK]] [link] [mtu=LEAST-MOST] NAME}. */
    record Rule(List<Network> addresses, List<Network> routes, boolean link, int leastMtu, int mostMtu, String name)
            implements
                Operation.Rule<ConfigureInterface> {
        private static final String MTU_RANGE = "[0-9]{1,5}(-[0-9]{1,5})?";

        private static Rule of(PolicyLine line) {
            line.options("address=", "route=", "link", "mtu=");
            String mtu = line.option("mtu=").orElse("0");
            if (!mtu.matches(MTU_RANGE) || line.option("mtu=").isPresent() && first(mtu) < LEAST_MTU
                    || last(mtu) < first(mtu) || last(mtu) > 0xFFFF)
                throw new IllegalArgumentException("expected bytes from 68 to 65535 such as 1280-1500 for mtu, not "
                        + mtu);
            String name = line.next("an interface");
            if (!name.matches(OpenPackets.NAME))
                throw new IllegalArgumentException("expected the name of an interface, not " + name);
            return new Rule(networks(line.option("address=")), networks(line.option("route=")), line.has("link"),
                    first(mtu), last(mtu), name);
        }

        private static int first(String range) {
            return Integer.parseInt(range.split("-")[0]);
        }

        private static int last(String range) {
            return Integer.parseInt(range.substring(range.indexOf('-') + 1));
        }

        private static List<Network> networks(Optional<String> option) {
            return option.map(text -> Stream.of(text.split(",", -1)).map(Network::parse).toList()).orElse(List.of());
        }

        @Override
        public Verdict verdict(ConfigureInterface request) {
            if (!request.name.equals(name))
                return Verdict.NOT_CONCERNED;
            return allows(request) ? Verdict.ALLOWED : Verdict.objection("does not allow that");
        }

        private boolean allows(ConfigureInterface request) {
            return switch (request.change) {
                case NONE -> true;
                case UP, DOWN -> link;
                case MTU -> request.value >= Math.max(LEAST_MTU, leastMtu) && request.value <= mostMtu;
                // The network of an address is reached through its interface: a wider one than the line's would take the way of others.
                case ADD_ADDRESS, REMOVE_ADDRESS ->
                    addresses.stream().anyMatch(network -> network.contains(request.network()));
                // These networks themselves, and no parts of them: a child could make any number of routes of a network's parts.
                case ADD_ROUTE, REMOVE_ROUTE -> routes.contains(request.network());
            };
        }
    }

    private static Answer perform(Permit<ConfigureInterface, Rule> permit) throws IOException {
        ConfigureInterface request = permit.request();
        try (RouteSocket routes = RouteSocket.open(request.name)) {
            if (request.change == Change.NONE)
                return Answer.done(state(routes));
            boolean held = request.change.isOfAddress() && isHeld(permit, routes.addresses());
            request.tell(routes, held);
            return Answer.done(List.of());
        }
    }

    /** Whether the interface has the address already; refuses to touch one of another maker. */
    private static boolean isHeld(Permit<ConfigureInterface, Rule> permit, List<RouteSocket.Held> addresses)
            throws RefusedException {
        Network asked = permit.request().network();
        // IPv6 has an address once, whatever its network.
        List<RouteSocket.Held> same = addresses.stream()
                .filter(each -> each.network().address().equals(asked.address())).toList();
        if (same.stream().anyMatch(RouteSocket.Held::foreign))
            throw permit.refusal("the address was not added by such a request");
        boolean held = same.stream().anyMatch(each -> each.network().equals(asked));
        if (!held && permit.request().change == Change.ADD_ADDRESS && addresses.size() >= MOST_ADDRESSES)
            throw permit.refusal("the interface has " + MOST_ADDRESSES + " addresses");
        return held;
    }

    /** The index, whether it is up and runs, the MTU, the hardware's address, the addresses; routes are those with a blank. */
    private static List<String> state(RouteSocket routes) throws IOException {
        RouteSocket.Link link = routes.link();
        Stream<String> known = Stream.of(Integer.toString(link.index()), Boolean.toString(link.up()),
                Boolean.toString(link.running()), Integer.toString(link.mtu()),
                HexFormat.ofDelimiter(":").formatHex(link.hardware()));
        Stream<String> addresses = routes.addresses().stream().limit(2 * MOST_ADDRESSES)
                .map(each -> each.network().toString());
        Stream<String> ways = routes.routes(MOST_ROUTES).stream()
                .map(each -> each.to() + " " + each.gateway().map(InetAddress::getHostAddress).orElse(""));
        return Stream.of(known, addresses, ways).flatMap(each -> each).toList();
    }

    private void tell(RouteSocket routes, boolean held) throws IOException {
        try {
            switch (change) {
                case NONE -> throw new IllegalStateException("there is nothing to change");
                case UP -> routes.setUp(true);
                case DOWN -> routes.setUp(false);
                case MTU -> routes.setMtu((int) value);
                case ADD_ADDRESS -> routes.addAddress(network(), value, held);
                case REMOVE_ADDRESS -> routes.removeAddress(network());
                case ADD_ROUTE -> routes.addRoute(network(), Network.literal(gateway));
                case REMOVE_ROUTE -> routes.removeRoute(network(), Network.literal(gateway));
            }
        } catch (ErrnoException e) {
            throw new ErrnoException("netlink", this, e.number());
        }
    }
}
