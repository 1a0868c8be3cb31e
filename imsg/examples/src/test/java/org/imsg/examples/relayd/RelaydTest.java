package org.imsg.examples.relayd;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import org.imsg.examples.relayd.Relayd.Reports;
import org.imsg.privsep.Peer;
import org.imsg.privsep.Privsep;
import org.imsg.privsep.Role;
import org.imsg.privsep.RoleProcess;
import org.imsg.testing.ChildJvm;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A relay that was taken over speaks for no other. */
@Timeout(60)
class RelaydTest {
    static final class TakenOver {
        public static void main(String... arguments) throws Exception {
            System.exit(Privsep.program("relayd").role("relay", Relay::new, r -> r.instances(2).connect("resolver"))
                    .role("resolver", Resolver::new).parent(Reports::new).run(arguments));
        }
    }

    /** The first reports twice, and then has the second report. */
    static final class Relay implements Role {
        @Override
        public void start(RoleProcess self) {
            self.on("resolver", Relayd.RESOLVED, (_, _) -> report(self, self.instance()));
        }

        @Override
        public void connected(RoleProcess self, Peer resolver) throws IOException {
            if (self.instance() == 0) {
                report(self, 0);
                report(self, 2);
                resolver.send(Relayd.RESOLVE, new byte[0]);
            }
        }
    }

    static final class Resolver implements Role {
        @Override
        public void start(RoleProcess self) {
            self.on("relay", Relayd.RESOLVE, (_, _) -> self.peer("relay", 1).send(Relayd.RESOLVED, new byte[0]));
        }
    }

    private static void report(RoleProcess self, int number) throws IOException {
        self.parent().send(Relayd.REPORT, new byte[]{127, 0, 0, (byte) number});
    }

    @Test
    void a_report_is_that_of_a_relay_and_its_first() throws Exception {
        assertThat(new ChildJvm().run(TakenOver.class).lines().filter(line -> line.contains(": 127.")))
                .containsExactlyInAnyOrder("relay[0]: 127.0.0.0", "relay[1]: 127.0.0.1");
    }
}
