package org.imsg.harness.describe;

import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;

/**
 * What a field may be: C's types as the amd64 and arm64 ABIs have them, and a few that daemons use.
 *
 * @param kind how its bytes are read
 * @param size bytes
 * @param alignment what its offset is a multiple of
 * @param network whether its bytes are in network order
 * @param struct what it consists of, or null
 */
record FieldType(Kind kind, int size, int alignment, boolean network, StructLayout struct) {
    enum Kind {
        UNSIGNED, SIGNED, FLOAT, CHARACTER, BYTE, IPV4, IPV6, STRUCT
    }

    private static final Map<String, FieldType> BY_NAME = new LinkedHashMap<>();

    static {
        for (int bits = 8; bits <= 64; bits *= 2) {
            add("u" + bits, Kind.UNSIGNED, bits / 8);
            add("i" + bits, Kind.SIGNED, bits / 8);
            add("n" + bits, new FieldType(Kind.UNSIGNED, bits / 8, bits / 8, true, null));
        }
        add("f32", Kind.FLOAT, 4);
        add("f64", Kind.FLOAT, 8);
        add("float", Kind.FLOAT, 4);
        add("double", Kind.FLOAT, 8);
        add("bool", Kind.UNSIGNED, 1);
        add("char", Kind.CHARACTER, 1);
        add("byte", Kind.BYTE, 1);
        add("short", Kind.SIGNED, 2);
        add("ushort", Kind.UNSIGNED, 2);
        for (String name : new String[]{"int", "pid_t"})
            add(name, Kind.SIGNED, 4);
        for (String name : new String[]{"uint", "uid_t", "gid_t"})
            add(name, Kind.UNSIGNED, 4);
        for (String name : new String[]{"long", "ssize_t", "time_t", "off_t"})
            add(name, Kind.SIGNED, 8);
        for (String name : new String[]{"ulong", "size_t", "pointer"})
            add(name, Kind.UNSIGNED, 8);
        add("ipv4", new FieldType(Kind.IPV4, 4, 4, true, null));
        add("ipv6", new FieldType(Kind.IPV6, 16, 4, true, null));
    }

    private static void add(String name, Kind kind, int size) {
        add(name, new FieldType(kind, size, size, false, null));
    }

    private static void add(String name, FieldType type) {
        BY_NAME.put(name, type);
    }

    /** The type of a name, or null. */
    static FieldType of(String name) {
        return BY_NAME.get(name.toLowerCase(Locale.ROOT));
    }

    static FieldType of(StructLayout layout) {
        return new FieldType(Kind.STRUCT, layout.size(), layout.alignment(), false, layout);
    }

    static String names() {
        return String.join(", ", BY_NAME.keySet());
    }
}
