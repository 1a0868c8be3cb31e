package org.imsg.examples;

import java.io.IOException;
import org.imsg.Imsg;
import org.imsg.ImsgChannel;
import org.imsg.privsep.ParentProcess;
import org.imsg.privsep.Privsep;
import org.imsg.privsep.RoleProcess;
import org.imsg.privsep.ops.Monitor;
import org.imsg.privsep.ops.Privileged;
import org.imsg.unix.Fd;

/**
 * How a role comes to its monitor: it asks its parent with a message, and is answered with one end of a socketpair, whose other
 * end the monitor serves. A role that was started again asks again.
 */
public final class Offer {
    private Offer() {}

    /** In the parent: whoever of the role asks is served, by a thread of its own. */
    public static void make(ParentProcess self, String role, int type, Monitor monitor) {
        self.on(role, type, (child, _) -> {
            try (Fd.Pair ends = Fd.socketpair()) {
                serve(self, ImsgChannel.of(ends.first()), child.toString(), monitor);
                child.send(Imsg.of(type).withFd(ends.second()));
            }
        });
    }

    private static void serve(ParentProcess self, ImsgChannel channel, String name, Monitor monitor) {
        Thread.ofPlatform().daemon().name("monitor-" + name).start(() -> {
            try {
                monitor.serve(channel, name);
            } catch (IOException e) {
                self.log().log(System.Logger.Level.ERROR, name + " is not served any more", e);
            }
        });
    }

    /** What to do with the operations, once they are there. */
    public interface Taker {
        void take(Privileged privileged) throws Exception;
    }

    /** In the child, when it starts. */
    public static void take(RoleProcess self, int type, Taker taker) throws IOException {
        self.on(Privsep.PARENT, type,
                (_, answer) -> taker.take(Privileged.over(ImsgChannel.of(answer.takeFd()))));
        self.parent().send(Imsg.of(type));
    }
}
