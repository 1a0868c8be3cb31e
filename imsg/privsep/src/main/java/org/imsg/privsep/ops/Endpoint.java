package org.imsg.privsep.ops;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.Optional;

/** The addresses of a rule: a range of addresses and ports, or paths of Unix sockets. */
sealed interface Endpoint {
    /** Tells whether it has an address. */
    boolean covers(String address, int port);

    /** Finds the place of a path that the rule covers. */
    default PolicyPath.Place place(String address) {
        throw new IllegalStateException(address + " is asked for as a path, under a rule that has none");
    }

    /** Paths of sockets. */
    record OfPath(PolicyPath path) implements Endpoint {
        @Override
        public boolean covers(String address, int port) {
            return path.find(address).isPresent();
        }

        @Override
        public PolicyPath.Place place(String address) {
            return path.find(address).orElseThrow();
        }
    }

    /** Addresses of a network, or of any if there is none; and ports from the first to the last. */
    record OfInternet(Optional<Network> network, int firstPort, int lastPort) implements Endpoint {
        @Override
        public boolean covers(String address, int port) {
            if (port < firstPort || port > lastPort)
                return false;
            Optional<InetAddress> asked = Network.literal(address);
            return asked.isPresent() && (network.isEmpty() || network.get().contains(asked.get()));
        }
    }

    /** Reads the address of a line about a kind of socket. */
    static Endpoint of(SocketKind kind, PolicyLine line) {
        return kind.isUnix() ? new OfPath(line.path()) : parse(line.next("ADDRESS:PORT"));
    }

    /** Reads {@code 127.0.0.1:80}, {@code 10.0.0.0/8:1024-2048}, {@code [::1]:53}, {@code *:80} or {@code *:*}. */
    private static Endpoint parse(String text) {
        int colon = text.lastIndexOf(':');
        if (colon < 1)
            throw new IllegalArgumentException("expected ADDRESS:PORT, not " + text);
        int[] ports = ports(text.substring(colon + 1));
        String address = text.substring(0, colon);
        return new OfInternet(address.equals("*") ? Optional.empty() : Optional.of(Network.parse(address)), ports[0],
                ports[1]);
    }

    private static int[] ports(String text) {
        if (text.equals("*"))
            return new int[]{0, 0xFFFF};
        int dash = text.indexOf('-');
        int first = number(dash < 0 ? text : text.substring(0, dash), 0xFFFF, "a port");
        int last = dash < 0 ? first : number(text.substring(dash + 1), 0xFFFF, "a port");
        if (first > last)
            throw new IllegalArgumentException("expected the lower port first, not " + text);
        return new int[]{first, last};
    }

    private static int number(String text, int most, String what) {
        if (!text.matches("[0-9]{1,5}") || Integer.parseInt(text) > most)
            throw new IllegalArgumentException("expected 0 to " + most + " for " + what + ", not " + text);
        return Integer.parseInt(text);
    }

    /** Reads an address that a rule has. */
    static InetAddress address(String literal) throws UnknownHostException {
        return Network.literal(literal).orElseThrow(() -> new UnknownHostException(literal + " is no address"));
    }
}
