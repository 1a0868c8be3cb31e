package org.imsg.peers.bgpd;

import java.net.InetAddress;

/**
 * A network.
 *
 * @param address its first address
 * @param length how many bits of the address are its own: 0 to 32, for IPv6 to 128
 */
public record Prefix(InetAddress address, int length) {
    /**
     * Checks the length.
     *
     * @throws IllegalArgumentException if it does not suit the address
     */
    public Prefix {
        int bits = address.getAddress().length * Byte.SIZE;
        if (length < 0 || length > bits)
            throw new IllegalArgumentException(address.getHostAddress() + "/" + length + ": 0 to " + bits);
    }

    /**
     * Reads a network as people write it.
     *
     * @param text such as {@code 10.0.0.0/24} or {@code 2001:db8::/32}
     * @return the network
     * @throws IllegalArgumentException if it is none
     */
    public static Prefix of(String text) {
        int slash = text.indexOf('/');
        if (slash < 0)
            throw new IllegalArgumentException("\"" + text + "\" is no address/length");
        return new Prefix(InetAddress.ofLiteral(text.substring(0, slash)),
                Integer.parseInt(text.substring(slash + 1)));
    }

    @Override
    public String toString() {
        return address.getHostAddress() + "/" + length;
    }
}
