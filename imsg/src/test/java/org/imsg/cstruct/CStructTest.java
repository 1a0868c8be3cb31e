package org.imsg.cstruct;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatNullPointerException;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandles;
import java.util.Arrays;
import java.util.HexFormat;

import org.imsg.Ibuf;
import org.imsg.Imsg;
import org.imsg.ImsgTooLargeException;
import org.imsg.TruncatedMessageException;
import org.imsg.cstruct.CStructSnippets.CtlNeighbor;
import org.imsg.cstruct.CStructSnippets.Timer;
import org.junit.jupiter.api.Test;

/** Records become C structs and C structs records. */
class CStructTest {
    record Numbers(@U8 int small, @U32 long unsigned, short signed, @NetworkOrder @U16 int port, boolean up,
            double weight,
            float ratio, @U32 int bits, @CInt boolean flag, char letter, byte tiny) {}

    record Named(@CString(8) String name, @CString(value = 4, terminated = false) String tag) {}

    record Labels(@CString(21) String one, @CString(value = 21, terminated = false) String other) {}

    record Blob(@Bytes(3) byte[] raw, @ArrayOf(2) @U16 int[] pair, @ArrayOf(2) @CString(4) String[] names) {}

    record Counted(@U32 long count, @U8 int kind, @FlexibleArray @U16 int[] values) {}

    record Titled(@U16 int id, @FlexibleArray String title) {}

    record Address(@Bytes(16) @Align(4) byte[] address, @U8 int family) {}

    record In4(@NetworkOrder @U32 long address) {}

    @CName("peer")
    @Size(64)
    record Sparse(@At(20) @U32 long as, @At(40) @CString(8) String descr) {}

    private static final CStruct<Numbers> NUMBERS = own(Numbers.class);
    private static final CStruct<Named> NAMED = own(Named.class);
    private static final CStruct<Labels> LABELS = own(Labels.class);
    private static final CStruct<Blob> BLOB = own(Blob.class);
    private static final CStruct<Counted> COUNTED = own(Counted.class);
    private static final CStruct<Titled> TITLED = own(Titled.class);
    private static final Numbers SAMPLE = new Numbers(255, 4294967295L, (short) -2, 65534, true, -1.5, 0.25f, -1, true,
            'ÿ', (byte) -128);

    private static <T extends Record> CStruct<T> own(Class<T> type) {
        return CStruct.of(type, CAbi.X86_64, MethodHandles.lookup());
    }

    @Align(1 << 30)
    record TooLarge(@Bytes(1_500_000_000) byte[] bytes) {}

    @Test
    void a_struct_whose_padding_makes_it_too_large_is_refused_by_name() {
        assertThatIllegalArgumentException().isThrownBy(() -> CStruct.of(TooLarge.class))
                .withMessageContaining("TooLarge");
    }

    @Test
    void a_record_written_and_read_is_the_same_record() {
        CtlNeighbor neighbor = new CtlNeighbor("upstream", 65002, 179,
                new Timer[]{new Timer(1, 30), new Timer(2, -1)});
        assertThat(CStructSnippets.use(neighbor)).usingRecursiveComparison().isEqualTo(neighbor);
        assertThat(CStructSnippets.CTL_NEIGHBOR.size()).isEqualTo(72);
        assertThat(CStructSnippets.request(neighbor).length()).isEqualTo(72);
    }

    @Test
    void every_kind_of_number_keeps_its_value_in_its_own_bytes() {
        byte[] bytes = NUMBERS.toBytes(SAMPLE);
        assertThat(HexFormat.of().formatHex(bytes)).isEqualTo("ff000000" + "ffffffff" + "feff" + "fffe" + "01000000"
                + "000000000000f8bf" + "0000803e" + "ffffffff" + "01000000" + "ff00" + "80" + "00");
        assertThat(NUMBERS.read(bytes)).isEqualTo(SAMPLE);
    }

    @Test
    void a_big_endian_machine_has_its_numbers_the_other_way_round() {
        CStruct<Numbers> sparc = CStruct.of(Numbers.class, CAbi.BIG_ENDIAN_64, MethodHandles.lookup());
        byte[] bytes = sparc.toBytes(SAMPLE);
        assertThat(HexFormat.of().formatHex(bytes)).isEqualTo("ff000000" + "ffffffff" + "fffe" + "fffe" + "01000000"
                + "bff8000000000000" + "3e800000" + "ffffffff" + "00000001" + "00ff" + "80" + "00");
        assertThat(sparc.read(bytes)).isEqualTo(SAMPLE);
    }

    @Test
    void any_bits_but_zero_are_true() {
        byte[] bytes = new byte[NUMBERS.size()];
        bytes[12] = 2;
        bytes[35] = 0x40;
        assertThat(NUMBERS.read(bytes)).extracting(Numbers::up, Numbers::flag).containsExactly(true, true);
        assertThat(NUMBERS.read(new byte[NUMBERS.size()])).extracting(Numbers::up, Numbers::flag)
                .containsExactly(false, false);
    }

    @Test
    void a_number_out_of_range_is_refused_by_name() {
        CStruct<Timer> timer = own(Timer.class);
        assertThatIllegalArgumentException().isThrownBy(() -> timer.toBytes(new Timer(-1, 0)))
                .withMessage("timer.type is -1: 0 to 4294967295");
        assertThatIllegalArgumentException().isThrownBy(() -> timer.toBytes(new Timer(4294967296L, 0)))
                .withMessage("timer.type is 4294967296: 0 to 4294967295");
    }

    @Test
    void another_size_is_refused_and_both_are_named() {
        assertThatExceptionOfType(MalformedStructException.class).isThrownBy(() -> NUMBERS.read(new byte[35]))
                .withMessage("struct numbers is 40 bytes, not 35");
        assertThatExceptionOfType(MalformedStructException.class)
                .isThrownBy(() -> Imsg.of(1, new byte[41]).getData(NUMBERS))
                .withMessage("struct numbers is 40 bytes, not 41");
        assertThatExceptionOfType(MalformedStructException.class).isThrownBy(() -> COUNTED.read(new byte[9]))
                .withMessage("struct counted is 6 bytes and any number of elements of 2, not 9");
    }

    @Test
    void what_is_behind_the_nul_of_a_string_is_ignored_and_written_as_zero() {
        byte[] bytes = "ab\0garbXY\0".getBytes(UTF_8);
        Named named = NAMED.read(Arrays.copyOf(bytes, 12));
        assertThat(named).isEqualTo(new Named("ab", "Y"));
        assertThat(NAMED.toBytes(named)).isEqualTo("ab\0\0\0\0\0\0Y\0\0\0".getBytes(UTF_8));
    }

    @Test
    void a_string_without_its_nul_is_refused_unless_it_may_fill_the_array() {
        assertThatExceptionOfType(MalformedStructException.class)
                .isThrownBy(() -> NAMED.read("abcdefghijkl".getBytes(UTF_8)))
                .withMessage("named.name has no NUL in its 8 bytes: \"abcdefgh\"");
        byte[] full = "abcdefg\0ijkl".getBytes(UTF_8);
        assertThat(NAMED.read(full)).isEqualTo(new Named("abcdefg", "ijkl"));
        assertThat(NAMED.toBytes(new Named("abcdefg", "ijkl"))).isEqualTo(full);
    }

    @Test
    void a_string_ends_at_its_first_nul_wherever_that_is_and_whatever_is_behind_it() {
        for (char letter : new char[]{'a', '\u0001', '\u007f', '\u00e4'})
            for (int length = 0; length <= 20; length++) {
                byte[] bytes = new byte[42];
                Arrays.fill(bytes, (byte) 0xFF);
                String text = "x".repeat(length).replaceFirst("x{1,2}$",
                        letter < 0x80 || length > 1 ? "" + letter : "y");
                byte[] encoded = text.getBytes(UTF_8);
                System.arraycopy(encoded, 0, bytes, 0, encoded.length);
                System.arraycopy(encoded, 0, bytes, 21, encoded.length);
                bytes[encoded.length] = 0;
                bytes[21 + encoded.length] = 0;
                assertThat(LABELS.read(bytes)).isEqualTo(new Labels(text, text));
            }
        byte[] full = "y".repeat(42).getBytes(UTF_8);
        full[20] = 0;
        assertThat(LABELS.read(full)).isEqualTo(new Labels("y".repeat(20), "y".repeat(21)));
    }

    @Test
    void a_string_that_does_not_fit_is_refused_by_name() {
        assertThatIllegalArgumentException().isThrownBy(() -> NAMED.toBytes(new Named("äöü12", "")))
                .withMessage("named.name is a string of 8 bytes: 0 to 7");
        assertThatIllegalArgumentException().isThrownBy(() -> NAMED.toBytes(new Named("", "12345")))
                .withMessage("named.tag is a string of 5 bytes: 0 to 4");
        assertThatIllegalArgumentException().isThrownBy(() -> NAMED.toBytes(new Named("a\0b", "")))
                .withMessageContaining("named.name has a NUL at index 1");
    }

    @Test
    void arrays_have_exactly_their_length() {
        Blob blob = new Blob(new byte[]{1, 2, 3}, new int[]{65535, 1}, new String[]{"abc", ""});
        byte[] bytes = BLOB.toBytes(blob);
        assertThat(HexFormat.of().formatHex(bytes)).isEqualTo("010203" + "00" + "ffff0100" + "61626300" + "00000000");
        assertThat(BLOB.read(bytes)).usingRecursiveComparison().isEqualTo(blob);
        assertThatIllegalArgumentException()
                .isThrownBy(() -> BLOB.toBytes(new Blob(new byte[4], blob.pair(), blob.names())))
                .withMessage("blob.raw has a length of 4, not 3");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> BLOB.toBytes(new Blob(blob.raw(), new int[1], blob.names())))
                .withMessage("blob.pair has a length of 1, not 2");
        assertThatNullPointerException()
                .isThrownBy(() -> BLOB.toBytes(new Blob(blob.raw(), blob.pair(), new String[2])))
                .withMessage("blob.names is null");
    }

    @Test
    void a_flexible_array_takes_the_rest_from_its_own_alignment_on() {
        assertThat(COUNTED.size()).isEqualTo(8);
        Counted counted = new Counted(3, 7, new int[]{1, 2, 65535});
        byte[] bytes = COUNTED.toBytes(counted);
        assertThat(HexFormat.of().formatHex(bytes)).isEqualTo("03000000" + "0700" + "01000200ffff");
        assertThat(COUNTED.read(bytes)).usingRecursiveComparison().isEqualTo(counted);
        assertThat(COUNTED.read(new byte[6]).values()).isEmpty();
        assertThat(TITLED.toBytes(new Titled(1, "on"))).containsExactly(1, 0, 'o', 'n', 0);
        assertThat(TITLED.read(new byte[]{1, 0, 'o', 'n', 0, 'x'})).isEqualTo(new Titled(1, "on"));
        assertThat(TITLED.read(new byte[]{1, 0, 'o', 'n'})).isEqualTo(new Titled(1, "on"));
    }

    @Test
    void a_union_is_bytes_that_are_looked_at_as_one_of_its_members() {
        CStruct<In4> in4 = own(In4.class);
        Address address = new Address(in4.toBytes(new In4(0x7f000001), 16), 2);
        assertThat(own(Address.class).size()).isEqualTo(20);
        assertThat(in4.view(address.address())).isEqualTo(new In4(0x7f000001));
        assertThatExceptionOfType(MalformedStructException.class).isThrownBy(() -> in4.view(new byte[3]))
                .withMessage("struct in4 is 4 bytes, not 3");
        assertThatIllegalArgumentException().isThrownBy(() -> in4.toBytes(new In4(0), 3))
                .withMessage("struct in4 is 4 bytes, the union 3");
    }

    @Test
    void a_struct_of_which_little_is_known_is_described_by_offsets() {
        CStruct<Sparse> sparse = own(Sparse.class);
        byte[] bytes = new byte[64];
        Arrays.fill(bytes, (byte) 0x55);
        assertThat(sparse.read(Arrays.copyOf("x".repeat(20).concat("\1\0\0\0").concat("y".repeat(16)).concat("descr\0")
                .getBytes(UTF_8), 64))).isEqualTo(new Sparse(1, "descr"));
        sparse.write(new Sparse(1, "descr"), MemorySegment.ofArray(bytes), 0);
        byte[] expected = new byte[64];
        expected[20] = 1;
        System.arraycopy("descr".getBytes(UTF_8), 0, expected, 40, 5);
        assertThat(bytes).isEqualTo(expected);
    }

    @Test
    void writing_changes_no_byte_outside_the_struct_and_reading_needs_none() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment memory = arena.allocate(NUMBERS.size() + 13).fill((byte) 0x77);
            NUMBERS.write(SAMPLE, memory, 5);
            assertThat(memory.asSlice(0, 5).toArray(java.lang.foreign.ValueLayout.JAVA_BYTE)).containsOnly(0x77);
            assertThat(memory.asSlice(5 + NUMBERS.size()).toArray(java.lang.foreign.ValueLayout.JAVA_BYTE))
                    .containsOnly(0x77);
            assertThat(NUMBERS.read(memory, 5, NUMBERS.size())).isEqualTo(SAMPLE);
            assertThat(NUMBERS.read(memory.asSlice(5, NUMBERS.size()))).isEqualTo(SAMPLE);
            assertThatExceptionOfType(IndexOutOfBoundsException.class)
                    .isThrownBy(() -> NUMBERS.read(memory, 14, NUMBERS.size()));
            assertThatExceptionOfType(IndexOutOfBoundsException.class)
                    .isThrownBy(() -> NUMBERS.write(SAMPLE, memory, 14));
        }
    }

    @Test
    void a_buffer_gives_the_next_struct_and_keeps_what_it_could_not_give() {
        try (Ibuf buffer = Ibuf.dynamic(0, 24)) {
            buffer.add(NAMED, new Named("first", "1")).add(NAMED, new Named("second", "2"));
            assertThatExceptionOfType(ImsgTooLargeException.class)
                    .isThrownBy(() -> buffer.add(NAMED, new Named("third", "3")));
            assertThatExceptionOfType(MalformedStructException.class).isThrownBy(() -> buffer.getData(NAMED))
                    .withMessage("struct named is 12 bytes, not 24");
            assertThat(buffer.get(NAMED)).isEqualTo(new Named("first", "1"));
            assertThat(buffer.getData(NAMED)).isEqualTo(new Named("second", "2"));
            assertThatExceptionOfType(TruncatedMessageException.class).isThrownBy(() -> buffer.get(NAMED))
                    .withMessage("struct named is 12 bytes, 0 left");
        }
    }

    @Test
    void a_value_that_is_refused_adds_nothing_to_a_buffer() {
        try (Ibuf buffer = Ibuf.dynamic(0, 100)) {
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> buffer.add(NAMED, new Named("much too long", "")));
            assertThat(buffer.size()).isZero();
        }
    }

    @Test
    void an_unterminated_string_leaves_a_message_unread() {
        Imsg message = Imsg.of(1, "abcdefghijkl".getBytes(UTF_8));
        assertThatExceptionOfType(MalformedStructException.class).isThrownBy(() -> message.get(NAMED));
        assertThat(message.getString(12)).isEqualTo("abcdefghijkl");
    }
}
