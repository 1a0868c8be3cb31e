package org.imsg.examples.login;

import java.io.IOException;
import java.lang.System.Logger.Level;
import java.net.InetSocketAddress;
import java.time.Duration;
import org.imsg.Imsg;
import org.imsg.privsep.PeerGoneException;
import org.imsg.privsep.Role;
import org.imsg.privsep.RoleBusyException;
import org.imsg.privsep.RoleProcess;
import org.imsg.unix.Fd;
import org.imsg.unix.Sockets;

/** Accepts connections and gives each to a process of its own; it reads nothing from them. */
final class Listener implements Role {
    /** To a session: serve the connection that comes along. */
    static final int SERVE = 1;
    private static final Duration PATIENCE = Duration.ofSeconds(10);

    @Override
    public void start(RoleProcess self) throws IOException {
        int port = Integer.parseInt(self.arguments().getFirst());
        Fd listener = self.privileged().listen(new InetSocketAddress("127.0.0.1", port), 128, true);
        Thread.ofPlatform().daemon().name("accept").start(() -> accept(self, listener));
        self.log().log(Level.INFO, "listening");
    }

    private static void accept(RoleProcess self, Fd listener) {
        try (listener) {
            for (;;) {
                try (Imsg request = Imsg.of(SERVE).withFd(Sockets.accept(listener))) {
                    self.request("session", request, PATIENCE);
                } catch (RoleBusyException | PeerGoneException e) {
                    self.log().log(Level.WARNING, "a connection is closed: " + e.getMessage());
                }
            }
        } catch (IOException | InterruptedException e) {
            self.log().log(Level.ERROR, "no more connections", e);
        }
    }
}
