package org.imsg.examples.login;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.function.Supplier;
import org.imsg.examples.Usage;
import org.imsg.privsep.Privsep;
import org.imsg.privsep.Role;
import org.imsg.privsep.ops.Policy;
import org.imsg.privsep.rights.Ids;
import org.imsg.privsep.rights.Promise;

/**
 * Lets users of the system log in over the network and run commands, split as OpenSSH is. One child accepts connections. Each
 * connection has a process to itself, which reads what a stranger sends, in an empty root and without a right; the parent checks
 * passwords for it. A user whose password was right has another process, under the user's own ids, which runs the commands.
 */
public final class LoginServer {
    private LoginServer() {}

    /** Arguments: the port on 127.0.0.1, the service of PAM, an empty directory, the uid of the listener; the next is the strangers'. */
    public static void main(String... arguments) throws Exception {
        System.exit(program(Login::new, arguments).run(arguments));
    }

    static Privsep program(Supplier<Role> session, String... arguments) {
        List<String> words = Usage.of(LoginServer.class, "PORT PAM-SERVICE EMPTY-DIRECTORY UID", arguments);
        long uid = Long.parseLong(words.get(3));
        Policy port = Policy.of("bind tcp reuse 127.0.0.1:" + words.get(0));
        Policy passwords = Policy.of("pam tries=3 " + words.get(1));
        return Privsep.program("login")
                .role("listener", Listener::new, r -> r.user(Ids.of(uid, uid)).policy(port)
                        .pledge(Promise.STDIO, Promise.INET, Promise.RECVFD, Promise.SENDFD))
                .role("session", session, r -> r.user(Ids.of(uid + 1, uid + 1)).policy(passwords)
                        .chroot(Path.of(words.get(2))).pledge(Promise.STDIO, Promise.RECVFD, Promise.SENDFD)
                        .onDemand(d -> d.askedBy("listener").limit(20).time(Duration.ofMinutes(2))))
                .role("user", UserSession::new, r -> r.policy(Policy.of("lookup user"))
                        .onDemand(d -> d.startAs(ids -> ids.uid() != uid && ids.uid() != uid + 1).limit(20)
                                .time(Duration.ofMinutes(15))))
                .parent(Logins::new)
                .requireConfinement();
    }
}
