package org.imsg.examples.packets;

import org.imsg.examples.Usage;
import org.imsg.privsep.Privsep;
import org.imsg.privsep.ops.Policy;
import org.imsg.privsep.rights.Ids;
import org.imsg.privsep.rights.Namespace;

/**
 * Prints packets in the manner of tcpdump. Strangers send the packets, so they are parsed by a child that can compute, read
 * the one descriptor and write the other, and ask its parent for names; it has not even a network.
 */
public final class PacketReader {
    /** What the child may ask for. */
    private static final Policy NAMES = Policy.of("lookup ether address service rpc localtime");

    private PacketReader() {}

    /** Arguments: a capture file or "network", the output, the directory of services, rpc and ethers, uid of the child. */
    public static void main(String... arguments) throws Exception {
        PacketReaderSettings settings = PacketReaderSettings
                .of(Usage.of(PacketReader.class, "INTERFACE-OR-FILE OUTPUT HOSTS-FILE UID", arguments));
        System.exit(Privsep.program("packetreader")
                // @start region="role"
                .role("reader", Reader::new, r -> r.user(Ids.of(settings.uid(), settings.uid())).pledge()
                        .policy(NAMES, monitor -> monitor.names(settings.names()))
                        .confine(c -> c.boundingSet().namespaces(Namespace.NET, Namespace.IPC, Namespace.UTS)))
                // @end
                .parent(() -> new Sources(settings)).requireConfinement().run(arguments));
    }
}
