package org.imsg.examples.packets;

import java.nio.file.Path;
import java.util.List;

/** The arguments of the program, the same in the parent and in the child, and what the two tell each other. */
record PacketReaderSettings(String source, Path output, Path names, long uid) {
    /** To the child: where to write. */
    static final int OUTPUT = 3;
    /** To the child: what to read, by its kind, after {@link #OUTPUT}. */
    static final int CAPTURE = 4, LIVE = 5;
    /** From the child: there is no more. */
    static final int DONE = 6;
    /** The source that is no file but everything the machine receives. */
    static final String NETWORK = "network";

    static PacketReaderSettings of(List<String> arguments) {
        return new PacketReaderSettings(arguments.get(0), Path.of(arguments.get(1)), Path.of(arguments.get(2)),
                Long.parseLong(arguments.get(3)));
    }
}
