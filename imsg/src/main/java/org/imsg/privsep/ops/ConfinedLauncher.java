package org.imsg.privsep.ops;

import java.io.IOException;
import org.imsg.unix.Child;

/** Starts programs from a thread that has given up its rights. */
final class ConfinedLauncher {
    private ConfinedLauncher() {}

    static Child start(Child.Builder program, int uid, int gid) throws IOException {
        throw new UnsupportedOperationException("not yet");
    }
}
