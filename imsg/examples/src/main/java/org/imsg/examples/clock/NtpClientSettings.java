package org.imsg.examples.clock;

import java.util.List;

/** The arguments of the program, the same in every process, and what the children tell each other. */
record NtpClientSettings(boolean sets, String server, int port, long uid, long resolverUid) {
    /** To the resolver: a host's name. From it: its addresses, a line each. */
    static final int RESOLVE = 2, RESOLVED = 3;

    static NtpClientSettings of(List<String> arguments) {
        return new NtpClientSettings(arguments.get(0).equals("set"), arguments.get(1),
                Integer.parseInt(arguments.get(2)),
                Long.parseLong(arguments.get(3)), Long.parseLong(arguments.get(4)));
    }
}
