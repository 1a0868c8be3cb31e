package org.imsg.examples.dhcp;

import java.nio.file.Path;
import java.util.List;
import org.imsg.examples.Usage;
import org.imsg.privsep.Privsep;
import org.imsg.privsep.ops.Policy;
import org.imsg.privsep.rights.Ids;
import org.imsg.privsep.rights.Namespace;
import org.imsg.privsep.rights.Promise;

/**
 * Gets an address by DHCP, split as dhclient of OpenBSD is. The child reads what strangers send and has no right: the parent opens the
 * packet socket, with a filter that the child cannot take off, configures the interface, and writes the file of name servers.
 */
public final class DhcpClient {
    private DhcpClient() {}

    /** Arguments: the interface, the file of name servers, the uid of the child. */
    public static void main(String... arguments) throws Exception {
        List<String> words = Usage.of(DhcpClient.class, "INTERFACE RESOLV-CONF UID", arguments);
        long uid = Long.parseLong(words.get(2));
        Policy policy = Policy.of("packet udp=68 " + words.get(0),
                "interface address=0.0.0.0/0 route=0.0.0.0/0 link " + words.get(0));
        System.exit(Privsep.program("dhclient")
                .role("engine", Engine::new, r -> r.user(Ids.of(uid, uid)).policy(policy)
                        .pledge(Promise.STDIO, Promise.RECVFD)
                        .confine(c -> c.boundingSet().namespaces(Namespace.NET, Namespace.IPC, Namespace.UTS)))
                .parent(() -> new NameServers(Path.of(words.get(1)))).requireConfinement().run(arguments));
    }
}
