package org.imsg.examples.syslog;

import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.util.List;
import org.imsg.privsep.Privsep;
import org.imsg.privsep.ops.Policy;
import org.imsg.privsep.rights.Ids;

/**
 * A syslog daemon. Messages of strangers are read by a child that has no rights, in which parsing has nothing to win for an
 * attacker; sockets and log files are opened by the parent, which never sees a message.
 */
public final class Syslogd {
    /** From the child: wants the logs. To the child: a log's name, and its descriptor. */
    static final int LOG = 2;
    /** From the child: it writes to the descriptors it was sent last. */
    static final int OPENED = 3;

    /** The files, by what goes there. */
    static final String EVERYTHING = "messages", LOGINS = "authlog";
    static final List<String> LOGS = List.of(EVERYTHING, LOGINS);

    /** What the program is told: in the parent and in the child alike. */
    record Settings(Path socket, InetSocketAddress address, Path directory, long uid) {
        static Settings of(List<String> arguments) {
            return new Settings(Path.of(arguments.get(0)),
                    new InetSocketAddress(arguments.get(1), Integer.parseInt(arguments.get(2))),
                    Path.of(arguments.get(3)), Long.parseLong(arguments.get(4)));
        }
    }

    private Syslogd() {}

    /** Arguments: socket, address, port, log directory, uid of the child. */
    public static void main(String... arguments) throws Exception {
        Settings settings = Settings.of(List.of(arguments));
        System.exit(Privsep.program("syslogd")
                // @start region="role"
                .role("receiver", SyslogReceiver::new,
                        r -> r.user(Ids.of(settings.uid, settings.uid)).pledge().restart()
                                .policy(sockets(settings)))
                // @end
                .parent(() -> new LogFiles(settings)).requireConfinement().run(arguments));
    }

    private static Policy sockets(Settings settings) {
        return Policy.of("bind unix-datagram reuse mode=0666 " + settings.socket,
                "bind udp " + settings.address.getHostString() + ":" + settings.address.getPort());
    }
}
