package org.imsg.harness.describe;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Locale;
import org.imsg.cstruct.CLayoutBuilder;
import org.imsg.cstruct.CAbi;
import org.imsg.cstruct.CLayout;
import org.imsg.cstruct.CLayout.Array;
import org.imsg.cstruct.CLayout.Kind;
import org.imsg.cstruct.CLayout.Raw;
import org.imsg.cstruct.CLayout.Scalar;
import org.imsg.cstruct.CLayout.Struct;
import org.imsg.cstruct.CLayout.Text;
import org.imsg.cstruct.CLayout.Type;
import org.jspecify.annotations.Nullable;

/** What the types are called in descriptions, and what each is in C on this machine. */
final class CTypes {
    private static final CAbi ABI = CAbi.host();
    /** Of one char, shown as a character. */
    static final Scalar CHAR = Scalar.of("char", ABI);
    /** Of one byte, shown in hexadecimal. */
    static final Scalar BYTE = new Scalar("byte", 1, 1, Kind.UNSIGNED, ABI.order());
    static final Struct IPV4 = new Struct(
            new CLayoutBuilder("in_addr").add("s_addr", Scalar.of("uint32_t", ABI).inNetworkOrder()).build());
    static final Struct IPV6 = new Struct(new CLayoutBuilder("in6_addr").align(4).add("s6_addr", new Raw(16)).build());

    private static final Map<String, Type> BY_NAME = new LinkedHashMap<>();

    static {
        for (int bits = 8; bits <= 64; bits *= 2) {
            add("u" + bits, "uint" + bits + "_t");
            add("i" + bits, "int" + bits + "_t");
            BY_NAME.put("n" + bits, Scalar.of("uint" + bits + "_t", ABI).inNetworkOrder());
        }
        add("f32", "float");
        add("f64", "double");
        add("ushort", "unsigned short");
        add("uint", "unsigned int");
        add("ulong", "unsigned long");
        add("off_t", "int64_t");
        add("pointer", "void *");
        for (String name : new String[]{"float", "double", "bool", "short", "int", "pid_t", "uid_t", "gid_t", "long",
                "ssize_t", "time_t", "size_t"})
            add(name, name);
        BY_NAME.put("char", CHAR);
        BY_NAME.put("byte", BYTE);
        BY_NAME.put("ipv4", IPV4);
        BY_NAME.put("ipv6", IPV6);
    }

    private CTypes() {}

    private static void add(String name, String cType) {
        BY_NAME.put(name, Scalar.of(cType, ABI));
    }

    /** The type of a name, or null. */
    static @Nullable Type of(String name) {
        return BY_NAME.get(name.toLowerCase(Locale.ROOT));
    }

    /** An array; with 0 elements it is flexible. */
    static Type array(Type element, int count) {
        if (element == CHAR)
            return new Text(count, false);
        return element == BYTE ? new Raw(count) : new Array(element, count);
    }

    static String names() {
        return String.join(", ", BY_NAME.keySet());
    }
}
