package org.imsg.sys;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** {@code int adjtimex(struct timex *)} of Linux; its results from 0 to 5 are states of the clock. As {@link Posix}. */
public final class Timex {
    private static final CFunction ADJTIMEX = new CFunction("adjtimex");
    private static final int READ_ONLY = 0x2000;

    private Timex() {}

    /** Sets the microseconds to slew by, and puts into its place those that were left. */
    public static int slew(long[] microseconds) {
        return adjust(Abi.host().value("ADJ_OFFSET_SINGLESHOT"), "timex.offset:offset", microseconds);
    }

    /** Reads the microseconds that are left to slew by. */
    public static int readSlew(long[] microseconds) {
        return adjust(Abi.host().value("ADJ_OFFSET_SINGLESHOT") | READ_ONLY, "timex.offset:offset", microseconds);
    }

    /** Sets the frequency, in 65536ths of a part per million. */
    public static int frequency(long[] scaled) {
        return adjust(Abi.host().value("ADJ_FREQUENCY"), "timex.freq:offset", scaled);
    }

    /** Reads the frequency, in 65536ths of a part per million. */
    public static int readFrequency(long[] scaled) {
        return adjust(0, "timex.freq:offset", scaled);
    }

    private static int adjust(int modes, String member, long[] value) {
        Abi abi = Abi.host();
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment timex = arena.allocate(abi.value("timex:size"), 8);
            timex.set(JAVA_INT, abi.value("timex.modes:offset"), modes);
            timex.set(JAVA_LONG, abi.value(member), value[0]);
            int result = ADJTIMEX.call(timex.address());
            value[0] = timex.get(JAVA_LONG, abi.value(member));
            return result;
        }
    }
}
