package org.imsg.privsep.ops;

import java.net.Inet6Address;
import java.net.InetAddress;
import java.util.Arrays;
import java.util.Optional;

/** Addresses of one family whose first bits are the same, on one interface if its own address names one. */
record Network(InetAddress address, int bits) {
    /** Reads an address; a name is not looked up. */
    static Optional<InetAddress> literal(String address) {
        try {
            return Optional.of(InetAddress.ofLiteral(address));
        } catch (IllegalArgumentException _) {
            return Optional.empty();
        }
    }

    /** Reads {@code 10.0.0.0/8}, {@code 127.0.0.1}, {@code ::1} or {@code [2001:db8::]/32} of a policy. */
    static Network parse(String text) {
        int slash = text.indexOf('/');
        String bare = (slash < 0 ? text : text.substring(0, slash)).replaceFirst("^\\[(.*)]$", "$1");
        InetAddress address = literal(bare).orElseThrow(() -> new IllegalArgumentException(
                "expected * or an IPv4 or [IPv6] address, with /BITS if it is a network, not " + text
                        + ": a policy looks up no host name"));
        return new Network(address, slash < 0 ? most(address) : bits(text.substring(slash + 1), most(address)));
    }

    private static int bits(String text, int most) {
        if (!text.matches("[0-9]{1,3}") || Integer.parseInt(text) > most)
            throw new IllegalArgumentException("expected 0 to " + most + " for the bits of a network, not " + text);
        return Integer.parseInt(text);
    }

    /** The bits of an address. */
    static int most(InetAddress address) {
        return address.getAddress().length * 8;
    }

    boolean contains(InetAddress asked) {
        return (scope(address) == 0 || scope(address) == scope(asked))
                && new Network(asked, bits).equals(new Network(address, bits));
    }

    /** The interface that a link-local address belongs to, 0 if it does not say. */
    private static int scope(InetAddress address) {
        return address instanceof Inet6Address scoped ? scoped.getScopeId() : 0;
    }

    /** Whether all addresses of the other are addresses of this. */
    boolean contains(Network other) {
        return other.bits >= bits && contains(other.address);
    }

    /** Only the first bits tell one from another. */
    @Override
    public boolean equals(Object other) {
        return other instanceof Network network && bits == network.bits
                && Arrays.equals(prefix(), network.prefix());
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(prefix());
    }

    private byte[] prefix() {
        byte[] prefix = address.getAddress();
        for (int bit = bits; bit < most(address); bit++)
            prefix[bit / 8] &= (byte) ~(0x80 >> bit % 8);
        return prefix;
    }

    @Override
    public String toString() {
        return address.getHostAddress() + "/" + bits;
    }
}
