package org.imsg.bench.worker;

import java.io.IOException;
import java.lang.System.Logger.Level;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.time.Duration;
import org.imsg.Imsg;
import org.imsg.privsep.ParentProcess;
import org.imsg.privsep.PeerGoneException;
import org.imsg.privsep.Privsep;
import org.imsg.privsep.Role;
import org.imsg.privsep.RoleBusyException;
import org.imsg.privsep.RoleProcess;
import org.imsg.privsep.rights.Ids;
import org.imsg.unix.Fd;
import org.imsg.unix.FdChannel;
import org.imsg.unix.UnixAddress;
import org.imsg.unix.UnixListener;

/**
 * A process for each connection, as c-reference/bench-fork.c: {@code ConnectionServer SOCKET UID DIRECTORY SPARES PATIENCE}. The process has
 * the user to itself, the directory as its root and no promise but to compute, and writes the time of the accept, eight bytes of
 * {@link System#nanoTime()}. A connection for which no process is free within so many seconds is closed.
 */
public final class ConnectionServer {
    private static final int SERVE = 1, MOST = 20, MOST_WAITING = 1000, REHEARSALS = 20;

    private ConnectionServer() {}

    /**
     * Runs until standard input ends.
     *
     * @param args as said above
     * @throws Exception if the program cannot run
     */
    public static void main(String... args) throws Exception {
        long uid = Long.parseLong(args[1]);
        System.exit(Privsep.program("connections")
                .role("session", Session::new, r -> r.user(Ids.of(uid, uid)).chroot(Path.of(args[2])).pledge()
                        .onDemand(d -> d.limit(MOST).spares(Integer.parseInt(args[3])).waiting(MOST_WAITING)
                                .rehearsal(REHEARSALS, new byte[Long.BYTES], new byte[0])))
                .parent(() -> self -> listen(self, Path.of(args[0]), Duration.ofSeconds(Integer.parseInt(args[4]))))
                .requireConfinement().run(args));
    }

    private static void listen(ParentProcess self, Path socket, Duration patience) throws IOException {
        UnixListener listener = UnixListener.at(UnixAddress.of(socket)).listen();
        Thread.ofPlatform().daemon().name("accept").start(() -> accept(self, listener, patience));
        Thread.ofPlatform().daemon().name("input").start(() -> {
            try {
                System.in.readAllBytes();
            } catch (IOException e) {
                self.log().log(Level.ERROR, "standard input", e);
            }
            self.stop();
        });
        System.out.println("ready");
    }

    private static void accept(ParentProcess self, UnixListener listener, Duration patience) {
        try (listener) {
            for (;;) {
                Fd connection = listener.accept();
                byte[] accepted = ByteBuffer.allocate(8).order(ByteOrder.nativeOrder()).putLong(System.nanoTime())
                        .array();
                // Others do not wait for the process that this one gets.
                Thread.ofVirtual().start(() -> hand(self, Imsg.of(SERVE, accepted).withFd(connection), patience));
            }
        } catch (IOException e) {
            self.log().log(Level.ERROR, "no more connections", e);
        }
    }

    private static void hand(ParentProcess self, Imsg request, Duration patience) {
        try {
            self.request("session", request, patience);
        } catch (RoleBusyException | PeerGoneException _) {
            // The client is told by the end of its connection.
        } catch (IOException | InterruptedException e) {
            self.log().log(Level.ERROR, "a connection is lost", e);
        }
    }

    /** Serves one connection. */
    private static final class Session implements Role {
        @Override
        public void start(RoleProcess self) {
            // Everything begins with a connection.
        }

        @Override
        public void rehearse(RoleProcess self, Imsg request) throws IOException {
            serve(self, request);
        }

        @Override
        public void serve(RoleProcess self, Imsg request) throws IOException {
            try (FdChannel client = new FdChannel(request.takeFd())) {
                client.write(ByteBuffer.wrap(request.payload()));
            }
        }
    }
}
