package org.imsg.examples.syslog;

import java.util.function.Supplier;
import org.imsg.examples.Usage;
import org.imsg.privsep.Privsep;
import org.imsg.privsep.Role;
import org.imsg.privsep.ops.Policy;
import org.imsg.privsep.rights.Ids;

/**
 * A syslog daemon. Messages of strangers are read by a child that has no rights, in which parsing has nothing to win for an
 * attacker; sockets and log files are opened by the parent, which never sees a message.
 */
public final class Syslogd {
    private Syslogd() {}

    /** Arguments: socket, address, port, log directory, uid of the child. */
    public static void main(String... arguments) throws Exception {
        System.exit(program(SyslogReceiver::new, arguments).run(arguments));
    }

    static Privsep program(Supplier<Role> receiver, String... arguments) {
        SyslogdSettings settings = SyslogdSettings
                .of(Usage.of(Syslogd.class, "SOCKET ADDRESS UDP-PORT DIRECTORY UID", arguments));
        return Privsep.program("syslogd")
                // @start region="role"
                .role("receiver", receiver,
                        r -> r.user(Ids.of(settings.uid(), settings.uid())).pledge().restart()
                                .policy(sockets(settings)))
                // @end
                .parent(() -> new LogFiles(settings)).requireConfinement();
    }

    private static Policy sockets(SyslogdSettings settings) {
        return Policy.of("bind unix-datagram reuse mode=0666 " + settings.socket(),
                "bind udp " + settings.address().getHostString() + ":" + settings.address().getPort());
    }
}
