package org.imsg.cstruct;

import static java.nio.ByteOrder.BIG_ENDIAN;
import static java.nio.ByteOrder.LITTLE_ENDIAN;

import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Objects;

/**
 * The decisions of a platform's C compiler about structs. Immutable; the constructor makes a platform not listed here.
 *
 * @param name the name shown to people
 * @param order the order of the bytes of a number
 * @param wordSize the size of {@code long}, {@code size_t} and pointers in bytes, 4 or 8
 * @param maxAlignment the alignment of 8-byte numbers inside a struct in bytes, 4 or 8
 * @param timeSize the size of {@code time_t} in bytes, 4 or 8
 */
public record CAbi(String name, ByteOrder order, int wordSize, int maxAlignment, int timeSize) {
    /** Linux, the BSDs and macOS on x86_64, and the same rules on aarch64 and riscv64. */
    public static final CAbi X86_64 = new CAbi("x86_64", LITTLE_ENDIAN, 8, 8, 8);
    /**
     * Linux on i386: 8-byte numbers are aligned to 4. The C library's own {@code time_t} has 4 bytes; OpenBSD's has 8:
     * {@code new CAbi("OpenBSD i386", LITTLE_ENDIAN, 4, 4, 8)}.
     */
    public static final CAbi I386 = new CAbi("i386", LITTLE_ENDIAN, 4, 4, 4);
    /** Big-endian with 64 bits: s390x, sparc64, powerpc64 as OpenBSD has it. */
    public static final CAbi BIG_ENDIAN_64 = new CAbi("big-endian 64", BIG_ENDIAN, 8, 8, 8);
    /** Big-endian with 32 bits: powerpc, hppa. */
    public static final CAbi BIG_ENDIAN_32 = new CAbi("big-endian 32", BIG_ENDIAN, 4, 8, 8);

    /**
     * Checks the numbers.
     *
     * @throws IllegalArgumentException if a size or alignment is neither 4 nor 8
     */
    public CAbi {
        Objects.requireNonNull(name);
        Objects.requireNonNull(order);
        requireFourOrEight("wordSize", wordSize);
        requireFourOrEight("maxAlignment", maxAlignment);
        requireFourOrEight("timeSize", timeSize);
    }

    /**
     * Returns the platform this JVM runs on.
     *
     * @return its rules
     * @throws UnsupportedOperationException on a machine of 32 bits, where {@code time_t} may be either: name the ABI
     *     there
     */
    public static CAbi host() {
        if (ValueLayout.ADDRESS.byteSize() != 8)
            throw new UnsupportedOperationException("a machine with pointers of " + ValueLayout.ADDRESS.byteSize()
                    + " bytes: say which CAbi, its time_t may have 4 bytes or 8");
        return ByteOrder.nativeOrder() == LITTLE_ENDIAN ? X86_64 : BIG_ENDIAN_64;
    }

    private static void requireFourOrEight(String what, int value) {
        if (value != 4 && value != 8)
            throw new IllegalArgumentException(what + " " + value + ": 4 or 8");
    }
}
