package org.imsg.sys;

import java.util.HashMap;
import java.util.Map;

/**
 * What the C compiler of one operating system knows and Java does not: sizes, offsets and widths of structs, and the
 * values of constants, each under its C name. The table is text of the form {@code NAME VALUE}, where a struct's entry is
 * {@code struct:size} and a member's is {@code struct.member:offset} or {@code struct.member:width}.
 *
 * <p>Tables are immutable. {@code c-reference/layout-probe.c} prints the same names as the compiler of the running system
 * sees them; AbiTest compares.
 */
public final class Abi {
    private static final Abi HOST = of(Os.current(), System.getProperty("os.arch"));

    private final Map<String, Integer> values;

    private Abi(Map<String, Integer> values) {
        this.values = values;
    }

    /**
     * The table of the running system.
     *
     * @return the table
     */
    public static Abi host() {
        return HOST;
    }

    /**
     * The table of any known system.
     *
     * @param os the system
     * @param arch the machine as the property {@code os.arch} names it; matters on Linux only
     * @return the table
     */
    public static Abi of(Os os, String arch) {
        return switch (os) {
            case LINUX -> parse(LinuxAbi.tables(arch));
            case OPENBSD -> parse(BsdAbi.COMMON, OperationsAbi.OPENBSD, OpenBsdAbi.OWN);
            case FREEBSD -> parse(BsdAbi.COMMON, OperationsAbi.FREEBSD, FreeBsdAbi.OWN);
            case MACOS -> parse(BsdAbi.COMMON, OperationsAbi.MACOS, MacosAbi.OWN);
        };
    }

    /** Later tables override earlier ones. */
    private static Abi parse(String... tables) {
        Map<String, Integer> values = new HashMap<>();
        for (String table : tables) {
            String[] words = table.strip().split("\\s+");
            for (int i = 0; i < words.length; i += 2)
                values.put(words[i], Integer.decode(words[i + 1]));
        }
        return new Abi(Map.copyOf(values));
    }

    /**
     * One entry.
     *
     * @param name the C name
     * @return its value
     * @throws UnsupportedOperationException if this system has no such constant or struct
     */
    public int value(String name) {
        Integer value = values.get(name);
        if (value == null)
            throw new UnsupportedOperationException("this system has no " + name);
        return value;
    }

    /**
     * One entry, or something else where the system has none.
     *
     * @param name the C name
     * @param absent what to return if there is no such entry
     * @return the value, or {@code absent}
     */
    public int value(String name, int absent) {
        return values.getOrDefault(name, absent);
    }

    /**
     * All entries.
     *
     * @return an immutable map by C name
     */
    public Map<String, Integer> values() {
        return values;
    }
}
