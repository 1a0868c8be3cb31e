package org.imsg.examples.dhcp;

import java.net.InetAddress;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/**
 * What a server offers, or has given.
 *
 * @param bits of the network that the address is in
 */
record Lease(InetAddress address, int bits, Optional<InetAddress> router, List<InetAddress> nameServers,
        InetAddress server, Duration time) {}
