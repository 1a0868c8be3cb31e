package org.imsg.examples.clock;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.imsg.Imsg;
import org.imsg.privsep.Role;
import org.imsg.privsep.RoleProcess;

/** Turns names into addresses: the answers of name servers are parsed here, and here only. */
final class Resolver implements Role {
    @Override
    public void start(RoleProcess self) {
        self.on("ntp", NtpClientSettings.RESOLVE, (client, name) -> client
                .send(Imsg.of(NtpClientSettings.RESOLVED, addresses(name.getString(name.length())))));
    }

    private static String addresses(String name) {
        try {
            return Stream.of(InetAddress.getAllByName(name)).map(InetAddress::getHostAddress)
                    .collect(Collectors.joining("\n"));
        } catch (UnknownHostException _) {
            return "";
        }
    }
}
