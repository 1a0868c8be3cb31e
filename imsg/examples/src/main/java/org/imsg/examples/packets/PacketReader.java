package org.imsg.examples.packets;

import java.nio.file.Path;
import java.util.List;
import org.imsg.privsep.Privsep;
import org.imsg.privsep.ops.Policy;
import org.imsg.privsep.rights.Ids;
import org.imsg.privsep.rights.Namespace;

/**
 * Prints packets in the manner of tcpdump. Strangers send the packets, so they are parsed by a child that can compute, read
 * the one descriptor and write the other, and ask its parent for names; it has not even a network.
 */
public final class PacketReader {
    /** From the child: wants to begin. */
    static final int READY = 2;
    /** To the child: where to write. */
    static final int OUTPUT = 3;
    /** To the child: what to read, by its kind, after {@link #OUTPUT}. */
    static final int CAPTURE = 4, LIVE = 5;
    /** From the child: there is no more. */
    static final int DONE = 6;

    /** What the child may ask for. */
    private static final Policy NAMES = Policy.of("lookup ether address service rpc localtime");
    /** The source that is no file but everything the machine receives. */
    static final String NETWORK = "network";

    /** What the program is told: in the parent and in the child alike. */
    record Settings(String source, Path output, Path names, long uid) {
        static Settings of(List<String> arguments) {
            return new Settings(arguments.get(0), Path.of(arguments.get(1)), Path.of(arguments.get(2)),
                    Long.parseLong(arguments.get(3)));
        }
    }

    private PacketReader() {}

    /** Arguments: a capture file or "network", the output, the directory of services, rpc and ethers, uid of the child. */
    public static void main(String... arguments) throws Exception {
        Settings settings = Settings.of(List.of(arguments));
        System.exit(Privsep.program("packetreader")
                // @start region="role"
                .role("reader", Reader::new, r -> r.user(Ids.of(settings.uid, settings.uid)).pledge()
                        .policy(NAMES, monitor -> monitor.names(settings.names))
                        .confine(c -> c.boundingSet().namespaces(Namespace.NET, Namespace.IPC, Namespace.UTS)))
                // @end
                .parent(() -> new Sources(settings)).requireConfinement().run(arguments));
    }
}
