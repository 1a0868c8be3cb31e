package org.imsg.privsep.rights;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.imsg.sys.Abi;
import org.imsg.sys.Credentials;

/** A resource that can be limited for a process: setrlimit(2). */
public enum Resource {
    /** Seconds of processor time. */
    CPU("cpu time"),
    /** Bytes of a file written. */
    FSIZE("file size"),
    /** Bytes of private memory that can be written, a JVM's outside of its heap too. */
    DATA("data size"),
    /** Bytes of a core dump; 0 for none. */
    CORE("core file size"),
    /** Processes and threads of the user; too few and the JVM cannot start a thread. */
    NPROC("processes"),
    /** Open descriptors, and one more. */
    NOFILE("open files"),
    /** Bytes locked in memory. */
    MEMLOCK("locked memory");

    private static final Pattern LIMIT = Pattern.compile("([0-9]{1,9})([KMGT]?)");

    private final String label;

    Resource(String label) {
        this.label = label;
    }

    int number() {
        return Abi.host().value("RLIMIT_" + name());
    }

    /**
     * Reads a limit as a line of a policy has it.
     *
     * @param text such as {@code 256} or {@code 2G}, with K, M, G or T for powers of 1024, or {@code unlimited}
     * @return the limit, 0 or more, or -1 for none
     * @throws IllegalArgumentException if it is no such text, or above 9223372036854775807; the message has it
     */
    public static long parse(String text) {
        if (text.equals("unlimited"))
            return -1;
        Matcher matcher = LIMIT.matcher(text);
        if (!matcher.matches())
            throw new IllegalArgumentException("expected a number such as 256 or 2G, or unlimited, not " + text);
        long number = Long.parseLong(matcher.group(1));
        int shift = 10 * " KMGT".indexOf(matcher.group(2).isEmpty() ? " " : matcher.group(2));
        if (number > Long.MAX_VALUE >> shift)
            throw new IllegalArgumentException("expected at most " + Long.MAX_VALUE + ", not " + text);
        return number << shift;
    }

    /**
     * Bounds a limit by this process's own hard one, which would take a right to raise.
     *
     * @param limit 0 or more, or -1 for none
     * @return the lower of the two
     */
    public long bounded(long limit) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment own = arena.allocate(2 * JAVA_LONG.byteSize(), JAVA_LONG.byteAlignment());
            if (Credentials.getrlimit(number(), own.address()) < 0)
                return limit;
            long hard = own.get(JAVA_LONG, JAVA_LONG.byteSize());
            return Long.compareUnsigned(limit, hard) < 0 ? limit : hard;
        }
    }

    /** The hard limit of a process, by its file {@code limits} in /proc; a negative number if it has none. */
    long in(List<String> limits) {
        String start = "Max " + label + " ";
        String line = limits.stream().filter(each -> each.startsWith(start)).findFirst().orElseThrow();
        String hard = line.substring(start.length()).strip().split("\\s+")[1];
        return hard.equals("unlimited") ? -1 : Long.parseUnsignedLong(hard);
    }
}
