package org.imsg.privsep.rights;

import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/** What all processes of a {@link ControlGroup} may use together. A description: immutable, each method gives a new one. */
public final class GroupLimits {
    private static final GroupLimits NONE = new GroupLimits(Map.of());
    private static final int PERIOD_MICROSECONDS = 100_000;
    private static final String MAX = "max";
    /** PID_MAX_LIMIT: the kernel takes no greater number. */
    private static final long MOST_PIDS = 1 << 22;

    /** By the name of the file that has them. */
    private final Map<String, String> values;

    private GroupLimits(Map<String, String> values) {
        this.values = values;
    }

    /**
     * Begins without limits.
     *
     * @return no limit at all
     */
    public static GroupLimits none() {
        return NONE;
    }

    /**
     * Limits their memory, page cache included. When no more can be had, the kernel kills all of them. They are not swapped out.
     *
     * @param bytes 1 or more; {@link Long#MAX_VALUE} is no limit
     * @return limits with this one
     * @throws IllegalArgumentException if it is under 1
     */
    public GroupLimits memory(long bytes) {
        return with("memory.max", text(bytes, Long.MAX_VALUE - 1));
    }

    /**
     * Limits how many processes and threads they are. One more fails with EAGAIN.
     *
     * @param most 1 or more; above 4194304, the most processes that Linux has, it is no limit
     * @return limits with this one
     * @throws IllegalArgumentException if it is under 1
     */
    public GroupLimits pids(long most) {
        return with("pids.max", text(most, MOST_PIDS));
    }

    /**
     * Limits their share of the processors in each tenth of a second. They wait when it is used up.
     *
     * @param processors such as 0.5 for half of one; 0.01 to 10000
     * @return limits with this one
     * @throws IllegalArgumentException if it is out of range
     */
    public GroupLimits cpus(double processors) {
        if (!(processors >= 0.01 && processors <= 10_000))
            throw new IllegalArgumentException("processors are 0.01 to 10000, not " + processors);
        return with("cpu.max", Math.round(processors * PERIOD_MICROSECONDS) + " " + PERIOD_MICROSECONDS);
    }

    private static String text(long most, long greatest) {
        if (most < 1)
            throw new IllegalArgumentException("a limit of a control group is 1 or more, not " + most);
        return most > greatest ? MAX : Long.toString(most);
    }

    private GroupLimits with(String file, String value) {
        Map<String, String> more = new TreeMap<>(values);
        more.put(file, value);
        return new GroupLimits(more);
    }

    /**
     * Reads a limit as a line of a policy has it.
     *
     * @param file {@code memory.max}, {@code pids.max} or {@code cpu.max}
     * @param text its value
     * @return limits with this one
     * @throws IllegalArgumentException if it is none
     */
    public GroupLimits read(String file, String text) {
        if (!file.equals("cpu.max")) {
            long most = text.equals("unlimited") ? Long.MAX_VALUE : Resource.parse(text);
            return file.equals("pids.max") ? pids(most) : memory(most);
        }
        if (!text.matches("[0-9]{1,5}(\\.[0-9]{1,2})?"))
            throw new IllegalArgumentException("expected a number of processors such as 0.5, not " + text);
        return cpus(Double.parseDouble(text));
    }

    /** {@return whether there is none} */
    public boolean isEmpty() {
        return values.isEmpty();
    }

    Map<String, String> values() {
        return values;
    }

    /** Whether a file of the group allows more than it was given; the kernel takes whole pages of memory only, and so perhaps less. */
    static boolean isMore(String now, String given) {
        if (given.equals(MAX))
            return false;
        if (now.startsWith(MAX) || given.contains(" "))
            return !now.equals(given);
        return Long.parseUnsignedLong(now) > Long.parseUnsignedLong(given);
    }

    /** The kernel's controllers that keep them. */
    Set<String> controllers() {
        Set<String> controllers = new TreeSet<>();
        values.keySet().forEach(file -> controllers.add(file.substring(0, file.indexOf('.'))));
        return controllers;
    }

    @Override
    public String toString() {
        return values.toString();
    }
}
