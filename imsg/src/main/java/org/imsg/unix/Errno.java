package org.imsg.unix;

import java.util.HashMap;
import java.util.Map;
import org.imsg.sys.Abi;
import org.imsg.sys.Posix;

/** The numbers of errno(2) on the running system, with their names and texts. */
public final class Errno {
    private static final Map<Integer, String> NAMES = names();

    private Errno() {}

    /**
     * Returns the name of a number.
     *
     * @param number an error number, 1 or more
     * @return such as {@code EPIPE}, or {@code errno 4711} for a number that has no name here
     */
    public static String name(int number) {
        return NAMES.getOrDefault(number, "errno " + number);
    }

    /**
     * Returns the number of a name.
     *
     * @param name such as {@code EPIPE}
     * @return its number on this system
     * @throws UnsupportedOperationException if this system has no such error
     */
    public static int number(String name) {
        return Abi.host().value(name);
    }

    /**
     * Returns the system's text for a number: strerror(3).
     *
     * @param number an error number
     * @return such as {@code Broken pipe}
     */
    public static String text(int number) {
        return Posix.strerror(number);
    }

    private static Map<Integer, String> names() {
        Map<Integer, String> names = new HashMap<>();
        Abi.host().values().forEach((name, value) -> {
            if (name.matches("E(?!POLL|V_|VFILT)[A-Z0-9]+"))
                names.put(value, name);
        });
        return Map.copyOf(names);
    }
}
