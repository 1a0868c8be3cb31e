package org.imsg.unix;

import java.io.IOException;
import java.nio.file.Path;
import org.imsg.sys.Constants;
import org.imsg.sys.Posix;

/** Two open files that can be told apart by a number alone: the one that is used, and one that takes a number that was closed. */
final class OpenFiles {
    static final String OPEN = "open", CLOSED = "closed", ANOTHER = "another file";
    private static final Fd USED = open(OpenFlag.APPEND);
    private static final Fd LATER = open(OpenFlag.NONBLOCK);
    private static final int USED_FLAGS = flags(USED.intValue());
    private static final int LATER_FLAGS = flags(LATER.intValue());

    private OpenFiles() {}

    private static Fd open(OpenFlag flag) {
        try {
            return Fd.open(Path.of("/dev/null"), OpenFlag.READ_WRITE, flag);
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    static Fd used() throws IOException {
        return USED.dup();
    }

    /** Opens a descriptor, which has the lowest number that is free, and no owner that could close it. */
    static int later() {
        return Posix.fcntl(LATER.intValue(), Constants.F_DUPFD_CLOEXEC, 0);
    }

    static String state(int number) {
        int flags = flags(number);
        return flags < 0 ? CLOSED : flags == USED_FLAGS ? OPEN : ANOTHER;
    }

    /** Closes what {@link #later()} opened; false if a thread has done so that had no right to. */
    static boolean closeLater(int number) {
        boolean untouched = flags(number) == LATER_FLAGS;
        Posix.close(number);
        return untouched;
    }

    private static int flags(int number) {
        return Posix.fcntl(number, Constants.F_GETFL, 0);
    }
}
