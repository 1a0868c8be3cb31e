package org.imsg.examples.syslog;

import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.util.List;

/** The arguments of the program, the same in the parent and in the child, and what the two tell each other. */
record SyslogdSettings(Path socket, InetSocketAddress address, Path directory, long uid) {
    /** From the child: wants the logs. To the child: a log's name, and its descriptor. */
    static final int LOG = 2;
    /** From the child: it writes to the descriptors it was sent last. */
    static final int OPENED = 3;

    /** The files, by what goes there. */
    static final String EVERYTHING = "messages", LOGINS = "authlog";
    static final List<String> LOGS = List.of(EVERYTHING, LOGINS);

    static SyslogdSettings of(List<String> arguments) {
        return new SyslogdSettings(Path.of(arguments.get(0)),
                new InetSocketAddress(arguments.get(1), Integer.parseInt(arguments.get(2))),
                Path.of(arguments.get(3)), Long.parseLong(arguments.get(4)));
    }
}
