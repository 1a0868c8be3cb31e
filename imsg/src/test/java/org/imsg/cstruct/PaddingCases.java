package org.imsg.cstruct;

import java.util.List;

/** The structs of c-reference/padding-cases.h as records. */
final class PaddingCases {
    private PaddingCases() {}

    record Mixed(@CType("char") byte letter, long wide, @ArrayOf(3) short[] triple, @CType("char") byte tail) {}

    record Inner(@U8 int flag, @U32 long value) {}

    record Nested(@U8 int before, Inner in, @U16 int between, @ArrayOf(2) Inner[] pair, @U8 int after) {}

    @CName("packed")
    @Packed
    record PackedWhole(@U8 int tag, @U32 long value, @U16 int port, @U64 long stamp) {}

    record Platform(boolean up, @TimeT long since, @ArrayOf(3) boolean[] flags, @CLong long count, short delta,
            @SizeT long length, @CType("pid_t") int pid) {}

    record Named(@CString(5) String name, @U16 int id, @CString(33) String descr, double weight, float ratio,
            @Bytes(3) byte[] raw) {}

    @CName("bytes")
    record BytesOnly(@U8 int a, @Bytes(6) byte[] b) {}

    record Single(@U8 int only) {}

    record TailHole(@U64 long wide, @U8 int narrow) {}

    record Steps(@U8 int a, @U16 int b, @U32 long c, @U64 long d) {}

    record StepsDown(@U64 long d, @U32 long c, @U16 int b, @U8 int a) {}

    record Zigzag(@U8 int a, @U64 long b, @U8 int c, @U32 long d, @U8 int e, @U16 int f) {}

    record Doubles(@CType("char") byte c, double d, float f, @ArrayOf(2) double[] pair, @CType("char") byte last) {}

    record Pointers(@CType("char") byte c, @CType("void *") long next, @CType("char") byte d,
            @ArrayOf(2) @CType("void *") long[] both) {}

    record Longs(@CType("short") short s, @CLong long l, @CType("unsigned char") short u,
            @CType("unsigned long") long ul, @CType("long long") long ll, @CType("unsigned char") short end) {}

    record Strings(@CString(1) String a, @U16 int n, @CString(3) String b, @U32 long m, @CString(7) String c) {}

    record Matrix(@ArrayOf(3) @CString(5) String[] names, @U32 long n, @ArrayOf(2) @Bytes(6) byte[][] macs,
            @U16 int m) {}

    record DeepLeaf(@U16 int x, @U64 long y, @U8 int z) {}

    record Deep(@U8 int a, Nested n, @U8 int b, DeepLeaf leaf, @U8 int c) {}

    record ArrayOfPadded(@U16 int n, @ArrayOf(3) TailHole[] holes, @U8 int end) {}

    record PackedInside(@U8 int a, PackedWhole p, @U32 long b, @ArrayOf(2) PackedWhole[] q, @U64 long c) {}

    @Packed
    record PackedAround(@U8 int a, Inner in, @U64 long b, TailHole hole) {}

    @Packed
    record PackedAligned(@U8 int a, @Align(4) @U32 long b, @U16 int c, @U8 int d) {}

    record OverAligned(@U8 int a, @Align(16) @U32 long b, @U8 int c) {}

    @Align(32)
    record AlignedWhole(@U8 int a, @U16 int b) {}

    record AroundAligned(@U8 int a, AlignedWhole in, @U8 int b) {}

    record UnionOfAddress(@Bytes(16) @Align(4) byte[] address, @U32 long scope, @U8 int aid) {}

    record UnionOfWide(@U8 int kind, @Bytes(16) @Align(8) byte[] value, @U8 int end) {}

    record Flexible(@U32 long count, @U8 int kind, @FlexibleArray @U16 int[] values) {}

    record FlexibleBytes(@U64 long id, @U16 int length, @FlexibleArray String data) {}

    record FlexibleStructs(@U8 int kind, @FlexibleArray Steps[] entries) {}

    record Network(@U8 int length, @U8 int family, @NetworkOrder @U16 int port, @NetworkOrder @U32 long address,
            @NetworkOrder @U64 long id, @ArrayOf(3) @NetworkOrder @U16 int[] ports) {}

    record SignedAll(@CType("signed char") byte a, @I8 int b, @I16 int c, @CInt int d, @I32 long e, @I64 long f,
            @CType("ssize_t") long g) {}

    record Bools(boolean a, @U32 boolean flag, @ArrayOf(5) boolean[] b, @CInt boolean on, boolean c) {}

    record TimerEntry(boolean on, @TimeT long at) {}

    record Timers(@U32 long type, @TimeT long val, @ArrayOf(2) TimerEntry[] entries, @CType("uid_t") long uid) {}

    record Descriptions(@CString(64) String descr, @U32 long as, @CString(255) String reason, @CInt int showTimers,
            @U8 int isGroup) {}

    record Statistics(@ArrayOf(3) @CType("unsigned long long") long[] sent, @U32 long n,
            @CType("unsigned long long") long received, @U8 int state) {}

    record Chars(char letter, @U8 char a, @ArrayOf(3) char[] letters, @U32 int last) {}

    static final List<Class<? extends Record>> ALL = List.of(Mixed.class, Inner.class, Nested.class, PackedWhole.class,
            Platform.class, Named.class, BytesOnly.class, Single.class, TailHole.class, Steps.class, StepsDown.class,
            Zigzag.class, Doubles.class, Pointers.class, Longs.class, Strings.class, Matrix.class, DeepLeaf.class,
            Deep.class, ArrayOfPadded.class, PackedInside.class, PackedAround.class, PackedAligned.class,
            OverAligned.class, AlignedWhole.class, AroundAligned.class, UnionOfAddress.class, UnionOfWide.class,
            Flexible.class, FlexibleBytes.class, FlexibleStructs.class, Network.class, SignedAll.class, Bools.class,
            TimerEntry.class, Timers.class, Descriptions.class, Statistics.class, Chars.class);
}
