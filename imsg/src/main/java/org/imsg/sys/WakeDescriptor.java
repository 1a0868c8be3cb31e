package org.imsg.sys;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** A descriptor that becomes readable when eight bytes are written: an eventfd(2) of Linux, elsewhere a pipe. */
final class WakeDescriptor {
    /** What an eventfd is written; a pipe takes any eight bytes. */
    private static final long ONE = Arena.global().allocateFrom(JAVA_LONG, 1).address();

    private int out = -1;
    private int in = -1;

    boolean isOpen() {
        return out >= 0;
    }

    /** Opens it, non-blocking and close-on-exec; 0 or the negative errno. */
    int open() {
        if (Os.current() == Os.LINUX) {
            int result = Posix.eventfd(0, Constants.O_CLOEXEC | Constants.O_NONBLOCK);
            if (result < 0)
                return result;
            out = in = result;
            return 0;
        }
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment pair = arena.allocate(8, 4);
            int result = Posix.pipe(pair.address());
            if (result < 0)
                return result;
            out = pair.get(JAVA_INT, 0);
            in = pair.get(JAVA_INT, 4);
        }
        int result = prepare(out);
        if (result == 0)
            result = prepare(in);
        if (result < 0)
            close();
        return result;
    }

    private static int prepare(int end) {
        int result = Posix.fcntl(end, Constants.F_SETFD, Constants.FD_CLOEXEC);
        return result < 0 ? result : Posix.fcntl(end, Constants.F_SETFL, Constants.O_NONBLOCK);
    }

    void close() {
        if (!isOpen())
            return;
        Posix.close(out);
        if (in != out)
            Posix.close(in);
        out = in = -1;
    }

    /** The number that is polled. */
    int out() {
        return out;
    }

    /** Makes it readable; it is so already if there is no room for more. Allocates nothing. */
    void write() {
        Posix.writeAnyway(in, ONE, 8);
    }

    /** Makes it unreadable until the next write. */
    void drain() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment bytes = arena.allocate(512);
            int n;
            do {
                n = Posix.read(out, bytes.address(), 512);
            } while (n == 512);
        }
    }
}
