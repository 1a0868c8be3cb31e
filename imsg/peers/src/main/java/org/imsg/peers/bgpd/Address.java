package org.imsg.peers.bgpd;

import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** The address in a {@code struct bgpd_addr}: bytes and a number for the kind, its aid. */
final class Address {
    static final int NONE = 0;
    static final int IPV4 = 1;
    static final int IPV6 = 2;

    private Address() {}

    static @Nullable InetAddress of(byte[] bytes, int aid) {
        int length = switch (aid) {
            case NONE -> 0;
            case IPV4 -> 4;
            case IPV6 -> 16;
            default -> throw new IllegalArgumentException("address family " + aid + ": 0 to 2");
        };
        try {
            return switch (length) {
                case 0 -> null;
                case 4 -> InetAddress.getByAddress(Arrays.copyOf(bytes, length));
                // InetAddress would make an IPv4 address of one that is mapped, and its prefixes too long for it.
                default -> Inet6Address.getByAddress(null, bytes, -1);
            };
        } catch (UnknownHostException e) {
            throw new AssertionError("4 and 16 bytes are addresses", e);
        }
    }

    static byte[] bytes(@Nullable InetAddress address) {
        return address == null ? new byte[16] : Arrays.copyOf(address.getAddress(), 16);
    }

    static int aid(@Nullable InetAddress address) {
        return address == null ? NONE : address.getAddress().length == 4 ? IPV4 : IPV6;
    }
}
