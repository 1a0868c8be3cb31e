package org.imsg.privsep;

import java.nio.file.Path;
import org.imsg.Imsg;
import org.imsg.privsep.ops.Policy;
import org.imsg.privsep.ops.RefusedException;

/**
 * A program for the flight recorder: a child that ends and is started again, then one that asks for a file that its policy
 * allows and one that it does not; then it stops.
 */
final class RecordedProgram {
    private static final int HERE = 1, END = 2, ASK = 3, ASKED = 4;

    private RecordedProgram() {}

    public static void main(String... arguments) throws Exception {
        System.exit(Privsep.program("recorded")
                .role("mortal", Mortal::new, r -> r.restart())
                .role("clerk", Clerk::new, r -> r.policy(Policy.of("open read /etc/hostname")))
                .parent(Watcher::new).run(arguments));
    }

    static final class Watcher implements Parent {
        private boolean ended;

        @Override
        public void start(ParentProcess self) {
            self.on("mortal", HERE, (from, _) -> {
                if (ended)
                    self.peer("clerk").send(Imsg.of(ASK));
                else
                    from.send(Imsg.of(END));
                ended = true;
            });
            self.on("clerk", ASKED, (_, _) -> {
                self.children().forEach(child -> System.out.println("child " + child));
                self.stop();
            });
        }
    }

    static final class Mortal implements Role {
        @Override
        public void start(RoleProcess self) throws Exception {
            self.on(Peer.PARENT, END, (_, _) -> System.exit(3));
            self.parent().send(Imsg.of(HERE));
        }
    }

    static final class Clerk implements Role {
        @Override
        public void start(RoleProcess self) {
            self.on(Peer.PARENT, ASK, (_, _) -> {
                self.privileged().open(Path.of("/etc/hostname")).close();
                try {
                    self.privileged().open(Path.of("/etc/passwd")).close();
                } catch (RefusedException _) {
                    self.parent().send(Imsg.of(ASKED));
                }
            });
        }
    }
}
