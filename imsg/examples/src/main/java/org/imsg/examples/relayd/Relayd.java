package org.imsg.examples.relayd;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.net.InetAddress;
import java.util.HashSet;
import java.util.Set;
import org.imsg.Imsg;
import org.imsg.privsep.Parent;
import org.imsg.privsep.ParentProcess;
import org.imsg.privsep.Peer;
import org.imsg.privsep.Privsep;
import org.imsg.privsep.Role;
import org.imsg.privsep.RoleProcess;
import org.imsg.privsep.RoleSettings;

/** Relays that ask a resolver for addresses: three processes beside the parent. */
public final class Relayd {
    static final int RESOLVE = 1, RESOLVED = 2, REPORT = 3;

    // @start region="main"
    public static void main(String... arguments) throws Exception {
        System.exit(Privsep.program("relayd")
                .role("relay", Relay::new, r -> r.instances(2).connect("resolver"))
                .role("resolver", Resolver::new, RoleSettings::restart)
                .parent(Reports::new)
                .run(arguments));
    }

    /** Runs in two processes; asks the one that may use the network. */
    static final class Relay implements Role {
        @Override
        public void start(RoleProcess self) {
            self.on("resolver", RESOLVED, (_, answer) -> self.parent().send(REPORT, answer.payload()));
        }

        @Override
        public void connected(RoleProcess self, Peer resolver) throws Exception {
            resolver.send(RESOLVE, self.arguments().getFirst().getBytes(UTF_8)); // after every restart, too
        }
    }

    /** Answers whoever asks. */
    static final class Resolver implements Role {
        @Override
        public void start(RoleProcess self) {
            self.on(RESOLVE, (from, name) -> {
                InetAddress address = InetAddress.getByName(name.getString(name.length()));
                from.send(Imsg.of(RESOLVED, name.id(), 0, address.getAddress()));
            });
        }
    }
    // @end

    /** Prints what two relays report, each once, and stops. */
    static final class Reports implements Parent {
        private final Set<Integer> heard = new HashSet<>();

        @Override
        public void start(ParentProcess self) {
            self.on("relay", REPORT, (from, address) -> {
                if (!heard.add(from.instance()))
                    throw new IOException(from + " has reported already");
                System.out.println(from + ": " + InetAddress.getByAddress(address.payload()).getHostAddress());
                if (heard.size() == 2)
                    self.stop();
            });
        }
    }

    private Relayd() {}
}
