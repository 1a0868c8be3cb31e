package org.imsg.examples.relayd;

import static org.imsg.examples.relayd.Relayd.RESOLVE;
import static org.imsg.examples.relayd.Relayd.RESOLVED;
import static org.imsg.privsep.rights.Promise.DNS;
import static org.imsg.privsep.rights.Promise.INET;
import static org.imsg.privsep.rights.Promise.RPATH;

import java.net.InetAddress;
import org.imsg.Imsg;
import org.imsg.privsep.Privsep;
import org.imsg.privsep.Role;
import org.imsg.privsep.RoleProcess;
import org.imsg.examples.relayd.Relayd.Relay;
import org.imsg.examples.relayd.Relayd.Reports;

/** What README shows: {@link Relayd} with users that a machine may not have. */
final class RelaydWithRights {
    public static void main(String... arguments) throws Exception {
        System.exit(Privsep.program("relayd")
                .role("relay", Relay::new, r -> r.user("_relayd").instances(2).connect("resolver"))
                .role("resolver", Resolver::new, r -> r.user("_resolv").pledge(INET, DNS, RPATH).restart())
                .parent(Reports::new)
                .run(arguments));
    }

    static final class Resolver implements Role { // in a process of its own
        @Override
        public void start(RoleProcess self) {
            self.on(RESOLVE, (from, name) -> { // who asks is known by the channel
                InetAddress address = InetAddress.getByName(name.getString(name.length()));
                from.send(Imsg.of(RESOLVED, name.id(), 0, address.getAddress()));
            });
        }
    }

    private RelaydWithRights() {}
}
