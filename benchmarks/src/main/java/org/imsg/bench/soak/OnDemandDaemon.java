package org.imsg.bench.soak;

import java.io.IOException;
import java.lang.System.Logger.Level;
import java.nio.file.Path;
import java.time.Duration;
import org.imsg.Imsg;
import org.imsg.ImsgChannel;
import org.imsg.privsep.ParentProcess;
import org.imsg.privsep.Privsep;
import org.imsg.privsep.Role;
import org.imsg.privsep.RoleProcess;
import org.imsg.privsep.rights.Ids;
import org.imsg.unix.Fd;
import org.imsg.unix.UnixAddress;
import org.imsg.unix.UnixListener;

/**
 * The program with a process on demand for each connection, at most three at a time, each for two connections, one of them kept as
 * a spare: {@code OnDemandDaemon SOCKET UID ROOT IDLE}, with the user, the empty directory and the idle time in milliseconds of the processes.
 */
final class OnDemandDaemon {
    private static final int LIMIT = 3, USES = 2, WAITING = 1000, SERVE = 1;
    private static final Duration PATIENCE = Duration.ofMinutes(5);

    private OnDemandDaemon() {}

    public static void main(String... args) throws Exception {
        long uid = Long.parseLong(args[1]);
        System.exit(Privsep.program("on-demand")
                .role("session", Session::new, r -> r.user(Ids.of(uid, uid)).chroot(Path.of(args[2])).pledge()
                        .onDemand(d -> d.limit(LIMIT).spares(1).uses(USES).waiting(WAITING)
                                .idle(Duration.ofMillis(Long.parseLong(args[3])))))
                .parent(() -> self -> listen(self, Path.of(args[0]))).requireConfinement().run(args));
    }

    private static void listen(ParentProcess self, Path socket) throws IOException {
        UnixListener listener = UnixListener.at(UnixAddress.of(socket)).listen();
        Thread.ofPlatform().daemon().name("accept").start(() -> accept(self, listener));
        Control.serve(_ -> "", self::stop);
    }

    private static void accept(ParentProcess self, UnixListener listener) {
        try (listener) {
            for (;;) {
                Fd connection = listener.accept();
                // Others do not wait for the process that this one gets.
                Thread.ofVirtual().start(() -> hand(self, Imsg.of(SERVE).withFd(connection)));
            }
        } catch (IOException e) {
            self.log().log(Level.ERROR, "no more connections", e);
        }
    }

    private static void hand(ParentProcess self, Imsg request) {
        try {
            self.request("session", request, PATIENCE);
        } catch (IOException | InterruptedException e) {
            self.log().log(Level.ERROR, "a connection is lost", e);
        }
    }

    /** Serves a connection. */
    private static final class Session implements Role {
        @Override
        public void start(RoleProcess self) {
            // Everything begins with a connection.
        }

        @Override
        public void serve(RoleProcess self, Imsg request) throws IOException {
            try (ImsgChannel channel = ImsgChannel.of(request.takeFd())) {
                EchoService.serve(channel, PlantedLeak.NONE);
            }
        }
    }
}
