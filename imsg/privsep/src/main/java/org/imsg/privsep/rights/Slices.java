package org.imsg.privsep.rights;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.imsg.sys.LinuxSyscalls;
import org.imsg.sys.RawSyscall;

/**
 * How long Linux lets a thread run before it looks for another, since 6.12 for each thread: it hands that on to threads and processes that it
 * starts. A thread that wakes takes the processor at once from one with a longer slice, else perhaps only when that one's is over,
 * whatever the niceness. Shares of the processor are not changed.
 */
public final class Slices {
    /** The shortest there is. */
    private static final long SHORT_NANOS = 100_000;
    /** Linux by itself gives 2.8 ms at most. */
    private static final long LONG_NANOS = 10_000_000;
    /** Of struct sched_attr, without what Linux has added to it since. */
    private static final int ATTRIBUTES_SIZE = 48;
    private static final int SCHED_FLAG_KEEP_POLICY = 8;

    private Slices() {}

    /** Gives this thread the shortest slices; nothing happens where there are none. */
    public static void shorten() {
        give(SHORT_NANOS);
    }

    /** Gives this thread the slices that Linux gives by itself. */
    public static void restore() {
        give(0);
    }

    private static void give(long nanos) {
        try (Arena arena = Arena.ofConfined()) {
            RawSyscall.call(LinuxSyscalls.host().number("sched_setattr"), 0,
                    attributes(arena, niceness(), nanos).address(), 0);
        } catch (UnsupportedOperationException _) {
            // not Linux, or a machine whose numbers are not known here
        }
    }

    /** The niceness of this thread. */
    static int niceness() {
        return 20 - RawSyscall.call(LinuxSyscalls.host().number("getpriority"), 0, 0);
    }

    /** For sched_setattr(2), of a thread that gives way. */
    static MemorySegment ofGivingWay(Arena arena, int niceness) {
        return attributes(arena, niceness, LONG_NANOS);
    }

    private static MemorySegment attributes(Arena arena, int niceness, long nanos) {
        MemorySegment attributes = arena.allocate(ATTRIBUTES_SIZE, Long.BYTES);
        attributes.set(JAVA_INT, 0, ATTRIBUTES_SIZE);
        attributes.set(JAVA_LONG, 8, SCHED_FLAG_KEEP_POLICY);
        attributes.set(JAVA_INT, 16, niceness);
        attributes.set(JAVA_LONG, 24, nanos);
        return attributes;
    }
}
