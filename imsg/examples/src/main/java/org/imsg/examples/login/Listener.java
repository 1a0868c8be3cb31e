package org.imsg.examples.login;

import java.io.IOException;
import java.lang.System.Logger.Level;
import java.net.InetSocketAddress;
import java.time.Duration;
import org.imsg.Imsg;
import org.imsg.examples.Connections;
import org.imsg.privsep.Role;
import org.imsg.privsep.RoleProcess;
import org.imsg.unix.Fd;

/** Accepts connections and gives each to a process of its own; it reads nothing from them. */
final class Listener implements Role {
    /** To a session: serve the connection that comes along. */
    static final int SERVE = 1;
    private static final Duration PATIENCE = Duration.ofSeconds(10);

    @Override
    public void start(RoleProcess self) throws IOException {
        int port = Integer.parseInt(self.arguments().getFirst());
        Fd listener = self.privileged().listen(new InetSocketAddress("127.0.0.1", port), 128, true);
        Thread.ofPlatform().daemon().name("accept").start(() -> Connections.accept(listener,
                text -> self.log().log(Level.WARNING, text),
                connection -> self.request("session", Imsg.of(SERVE).withFd(connection), PATIENCE)));
        self.log().log(Level.INFO, "listening");
    }
}
