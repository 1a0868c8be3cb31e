package org.imsg.harness.describe;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
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
        for (String line : """
                f32 float
                f64 double
                ushort unsigned short
                uint unsigned int
                ulong unsigned long
                uchar unsigned char
                u_short unsigned short
                u_int unsigned int
                u_long unsigned long
                u_char unsigned char
                quad_t int64_t
                u_quad_t uint64_t
                intptr_t ssize_t
                uintptr_t size_t
                ptrdiff_t ssize_t
                off_t int64_t
                mode_t unsigned int
                sa_family_t unsigned short
                socklen_t unsigned int
                _bool bool
                pointer void *
                """.lines().toList())
            add(line.split(" ", 2)[0], line.split(" ", 2)[1]);
        for (int bits = 8; bits <= 64; bits *= 2)
            add("u_int" + bits + "_t", "uint" + bits + "_t");
        for (String name : new String[]{"float", "double", "bool", "short", "int", "pid_t", "uid_t", "gid_t", "long",
                "ssize_t", "time_t", "size_t", "int8_t", "uint8_t", "int16_t", "uint16_t", "int32_t", "uint32_t",
                "int64_t", "uint64_t"})
            add(name, name);
        BY_NAME.put("in_port_t", Scalar.of("uint16_t", ABI).inNetworkOrder());
        BY_NAME.put("in_addr_t", IPV4);
        BY_NAME.put("in_addr", IPV4);
        BY_NAME.put("in6_addr", IPV6);
        BY_NAME.put("timeval", time("timeval", "tv_usec"));
        BY_NAME.put("timespec", time("timespec", "tv_nsec"));
        BY_NAME.put("char", CHAR);
        BY_NAME.put("byte", BYTE);
        BY_NAME.put("ipv4", IPV4);
        BY_NAME.put("ipv6", IPV6);
    }

    private CTypes() {}

    private static void add(String name, String cType) {
        BY_NAME.put(name, Scalar.of(cType, ABI));
    }

    private static Struct time(String name, String fraction) {
        return new Struct(new CLayoutBuilder(name).add("tv_sec", Scalar.of("time_t", ABI))
                .add(fraction, Scalar.of("long", ABI)).build());
    }

    /** A number written with several words, such as unsigned long. */
    static Type ofWords(List<String> words) {
        List<String> rest = new ArrayList<>(words);
        boolean unsigned = rest.remove("unsigned");
        boolean signed = rest.remove("signed");
        if (rest.contains("long") && rest.contains("double"))
            throw new IllegalArgumentException("a long double has another size on each machine: write byte NAME[16]");
        boolean wide = rest.indexOf("long") != rest.lastIndexOf("long");
        if (rest.size() > 1)
            rest.remove("int");
        String base = rest.isEmpty() ? "int" : wide ? "long long" : rest.getFirst();
        if (base.equals("char") && !unsigned && !signed)
            return CHAR;
        return Scalar.of(unsigned ? "unsigned " + base : signed ? "signed " + base : base, ABI);
    }

    /** What a queue or tree of sys/queue.h and sys/tree.h takes in a struct, or null; pointers, which mean nothing to a peer. */
    static @Nullable Type ofMacro(String name) {
        int pointers = switch (name) {
            case "TAILQ_ENTRY", "LIST_ENTRY", "CIRCLEQ_ENTRY", "TAILQ_HEAD", "STAILQ_HEAD", "SIMPLEQ_HEAD" -> 2;
            case "SLIST_ENTRY", "SIMPLEQ_ENTRY", "STAILQ_ENTRY", "LIST_HEAD", "SLIST_HEAD", "RB_HEAD" -> 1;
            case "RB_ENTRY" -> 4; // three, and a colour with its padding
            default -> 0;
        };
        Scalar pointer = Scalar.of("void *", ABI);
        return pointers == 0 ? null : new Array(pointer, pointers);
    }

    /** An enum, named in messages. */
    static Scalar enumeration(String name, boolean signed) {
        return new Scalar("enum " + name, 4, 4, signed ? Kind.SIGNED : Kind.UNSIGNED, ABI.order());
    }

    /** The same bytes read as each of the members. */
    static Struct union(String name, List<CLayout.Member> members, int alignment) {
        int size = members.stream().mapToInt(member -> member.type().size()).max().orElse(0);
        return new Struct(new CLayout(name, members, (size + alignment - 1) / alignment * alignment, alignment, false));
    }

    /** The type of a name, or null. */
    static @Nullable Type of(String name) {
        return BY_NAME.get(name.toLowerCase(Locale.ROOT));
    }

    /** An array; with 0 elements it is flexible. */
    static Type array(Type element, int count) {
        if (element == CHAR)
            return new Text(count, false);
        boolean bytes = element instanceof Scalar scalar && scalar.size() == 1 && scalar.kind() == Kind.UNSIGNED;
        return bytes ? new Raw(count) : new Array(element, count);
    }
}
