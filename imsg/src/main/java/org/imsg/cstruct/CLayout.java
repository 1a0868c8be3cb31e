package org.imsg.cstruct;

import java.nio.ByteOrder;
import java.util.List;
import java.util.Locale;

/**
 * The layout of a struct: the offset and size of each member. Immutable.
 *
 * @param name the struct's name in C
 * @param members in the order of their offsets
 * @param size {@code sizeof}, in bytes, with the padding at the end
 * @param alignment in bytes
 * @param packed true if there is no padding
 */
public record CLayout(String name, List<Member> members, int size, int alignment, boolean packed) {
    /** Copies the list. */
    public CLayout {
        members = List.copyOf(members);
    }

    /**
     * One member.
     *
     * @param name its name in C
     * @param type its type
     * @param offset {@code offsetof}, in bytes
     */
    public record Member(String name, Type type, int offset) {
        /**
         * Returns where the member ends.
         *
         * @return the offset of the first byte after it; of a flexible array, that of its beginning
         */
        public int end() {
            return offset + type.size();
        }
    }

    /** The C type of a member, or of an element of an array. */
    public sealed interface Type permits Scalar, Text, Raw, Struct, Array {
        /**
         * Returns the size: {@code sizeof}.
         *
         * @return bytes; 0 for a flexible array
         */
        int size();

        /**
         * Returns the natural alignment.
         *
         * @return bytes
         */
        int alignment();
    }

    /** The meaning of the bits of a number. */
    public enum Kind {
        /** Two's complement. */
        SIGNED,
        /** Not negative. */
        UNSIGNED,
        /** False if zero, else true. */
        BOOLEAN,
        /** IEEE 754, 4 or 8 bytes. */
        FLOATING
    }

    /**
     * A number.
     *
     * @param name the type's name in C
     * @param size 1, 2, 4 or 8 bytes
     * @param alignment in bytes
     * @param kind the meaning of its bits
     * @param order of its bytes
     */
    public record Scalar(String name, int size, int alignment, Kind kind, ByteOrder order) implements Type {
        /**
         * Returns a number of C.
         *
         * @param cType its name, one of those in {@link CType}
         * @param abi the rules of the machine
         * @return the number as that machine has it
         * @throws IllegalArgumentException if the name is not known
         */
        public static Scalar of(String cType, CAbi abi) {
            return switch (cType) {
                case "_Bool", "bool" -> scalar(cType, 1, Kind.BOOLEAN, abi);
                case "int8_t", "signed char", "char" -> scalar(cType, 1, Kind.SIGNED, abi);
                case "uint8_t", "unsigned char" -> scalar(cType, 1, Kind.UNSIGNED, abi);
                case "int16_t", "short", "signed short" -> scalar(cType, 2, Kind.SIGNED, abi);
                case "uint16_t", "unsigned short" -> scalar(cType, 2, Kind.UNSIGNED, abi);
                case "int32_t", "int", "signed int", "pid_t" -> scalar(cType, 4, Kind.SIGNED, abi);
                case "uint32_t", "unsigned int", "uid_t", "gid_t" -> scalar(cType, 4, Kind.UNSIGNED, abi);
                case "int64_t", "long long", "signed long long" -> scalar(cType, 8, Kind.SIGNED, abi);
                case "uint64_t", "unsigned long long" -> scalar(cType, 8, Kind.UNSIGNED, abi);
                case "long", "signed long", "ssize_t" -> scalar(cType, abi.wordSize(), Kind.SIGNED, abi);
                case "unsigned long", "size_t", "void *" -> scalar(cType, abi.wordSize(), Kind.UNSIGNED, abi);
                case "time_t" -> scalar(cType, abi.timeSize(), Kind.SIGNED, abi);
                case "float" -> scalar(cType, 4, Kind.FLOATING, abi);
                case "double" -> scalar(cType, 8, Kind.FLOATING, abi);
                default -> throw new IllegalArgumentException("the C type \"" + cType + "\" is not known");
            };
        }

        private static Scalar scalar(String name, int size, Kind kind, CAbi abi) {
            return new Scalar(name, size, Math.min(size, abi.maxAlignment()), kind, abi.order());
        }

        /**
         * Returns the same number in network order.
         *
         * @return one whose bytes are big-endian
         */
        public Scalar inNetworkOrder() {
            return new Scalar(name, size, alignment, kind, ByteOrder.BIG_ENDIAN);
        }
    }

    /**
     * A {@code char} array with a string in it.
     *
     * @param size bytes; 0 if it is flexible
     * @param terminated true if there must be a NUL
     */
    public record Text(int size, boolean terminated) implements Type {
        @Override
        public int alignment() {
            return 1;
        }
    }

    /**
     * Bytes.
     *
     * @param size how many; 0 if it is flexible
     */
    public record Raw(int size) implements Type {
        @Override
        public int alignment() {
            return 1;
        }
    }

    /**
     * A struct inside a struct.
     *
     * @param layout its layout
     */
    public record Struct(CLayout layout) implements Type {
        @Override
        public int size() {
            return layout.size();
        }

        @Override
        public int alignment() {
            return layout.alignment();
        }
    }

    /**
     * An array of anything but bytes and {@code char}s.
     *
     * @param element the type of its elements
     * @param count how many; 0 if it is flexible
     */
    public record Array(Type element, int count) implements Type {
        @Override
        public int size() {
            return Math.multiplyExact(element.size(), count);
        }

        @Override
        public int alignment() {
            return element.alignment();
        }
    }

    /**
     * Returns whether the last member is a flexible array.
     *
     * @return true if a payload may be longer than the struct
     */
    public boolean flexible() {
        return !members.isEmpty() && members.getLast().type().size() == 0;
    }

    /**
     * Returns the least number of bytes that hold the struct.
     *
     * @return {@link #size()}, or the offset of the flexible array, which may be less
     */
    public int minimumSize() {
        return flexible() ? members.getLast().offset() : size;
    }

    /**
     * Returns the size of one element of the flexible array.
     *
     * @return bytes; 1 if they are bytes or {@code char}s
     * @throws IllegalStateException if there is none
     */
    public int flexibleElementSize() {
        if (!flexible())
            throw new IllegalStateException("struct " + name + " has no flexible array");
        return members.getLast().type() instanceof Array array ? array.element().size() : 1;
    }

    /**
     * Returns the layout as pahole(1) prints it: C declarations, each with its offset and size in bytes, and the holes.
     *
     * @return several lines, without a newline at the end
     */
    @Override
    public String toString() {
        return Pahole.print(this);
    }

    /** Prints a layout the way pahole(1) does. */
    private static final class Pahole {
        private static final int CACHE_LINE = 64;

        private final StringBuilder out = new StringBuilder();
        private int end;
        private int sum;
        private int holes;
        private int sumOfHoles;

        private Pahole() {}

        static String print(CLayout layout) {
            Pahole pahole = new Pahole();
            pahole.out.append("struct ").append(layout.name()).append(" {\n");
            layout.members().forEach(pahole::member);
            pahole.summary(layout);
            return pahole.out.append(layout.packed() ? "} __attribute__((packed));" : "};").toString();
        }

        private void member(Member member) {
            int hole = member.offset() - end;
            if (hole > 0) {
                print("\n\t/* XXX %d bytes hole, try to pack */\n\n", hole);
                holes++;
                sumOfHoles += hole;
            }
            print("\t%-26s %-20s /* %5d %5d */\n", declared(member.type()),
                    member.name() + dimensions(member.type()) + ";", member.offset(), member.type().size());
            sum += member.type().size();
            end = member.end();
        }

        private void summary(CLayout layout) {
            print("\n\t/* size: %d, cachelines: %d, members: %d */\n", layout.size(),
                    (layout.size() + CACHE_LINE - 1) / CACHE_LINE, layout.members().size());
            if (holes > 0)
                print("\t/* sum members: %d, holes: %d, sum holes: %d */\n", sum, holes, sumOfHoles);
            if (layout.size() > end)
                print("\t/* padding: %d */\n", layout.size() - end);
        }

        private void print(String format, Object... values) {
            out.append(String.format(Locale.ROOT, format, values));
        }

        private static String declared(Type type) {
            return switch (type) {
                case Scalar scalar -> scalar.name();
                case Text _ -> "char";
                case Raw _ -> "uint8_t";
                case Struct struct -> "struct " + struct.layout().name();
                case Array array -> declared(array.element());
            };
        }

        private static String dimensions(Type type) {
            return switch (type) {
                case Scalar _,Struct _ -> "";
                case Text text -> dimension(text.size());
                case Raw raw -> dimension(raw.size());
                case Array array -> dimension(array.count()) + dimensions(array.element());
            };
        }

        private static String dimension(int count) {
            return count == 0 ? "[]" : "[" + count + "]";
        }
    }
}
