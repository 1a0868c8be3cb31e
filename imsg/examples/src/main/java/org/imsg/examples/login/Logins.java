package org.imsg.examples.login;

import java.io.IOException;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import org.imsg.Imsg;
import org.imsg.privsep.Parent;
import org.imsg.privsep.ParentProcess;
import org.imsg.privsep.Peer;
import org.imsg.privsep.rights.Ids;

/**
 * The parent: has a process started as each user who has logged in. Who that is, it knows from PAM: a process that reads what
 * strangers send may say anything.
 */
final class Logins implements Parent {
    private static final Duration PATIENCE = Duration.ofSeconds(30);
    /** The last process with each number that has logged in a user. */
    private final Map<Integer, Peer> over = new HashMap<>();

    @Override
    public void start(ParentProcess self) {
        self.on("session", Login.LOGGED_IN, (from, message) -> {
            String user = from.authenticated().orElseThrow(() -> new IOException(from + " has shown no password"));
            if (over.put(from.instance(), from) == from)
                throw new IOException(from + " has logged in a user already");
            Ids ids = Ids.ofUser(user);
            Imsg session = Imsg.of(Listener.SERVE, user).withFd(message.takeFd());
            // The start of a JVM must not keep other logins waiting.
            Thread.ofVirtual().start(() -> hand(self, ids, session));
        });
    }

    private static void hand(ParentProcess self, Ids ids, Imsg session) {
        try {
            self.requestAs("user", ids, session, PATIENCE);
        } catch (IOException | InterruptedException e) {
            self.log().log(Level.WARNING, "a login is closed: " + e.getMessage());
        }
    }
}
