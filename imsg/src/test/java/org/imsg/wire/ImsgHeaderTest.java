package org.imsg.wire;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.imsg.wire.Dialect.AUTO;
import static org.imsg.wire.Dialect.CLASSIC;
import static org.imsg.wire.Dialect.MODERN;

import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import java.util.HexFormat;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class ImsgHeaderTest {
    private static final int TYPE = 0x01020304;
    private static final int PEERID = 0xA1A2A3A4;
    private static final int PID = 0xFFFFFFFE;

    /** The bytes of DESIGN.md's table, field by field, with spaces for the reader. */
    private static MemorySegment bytes(String hex) {
        return MemorySegment.ofArray(HexFormat.of().parseHex(hex.replace(" ", "")));
    }

    private static String written(Dialect dialect, int length, boolean marked) {
        byte[] header = new byte[ImsgHeader.SIZE];
        ImsgHeader.write(MemorySegment.ofArray(header), 0, dialect, TYPE, length, marked, PEERID, PID);
        return HexFormat.of().formatHex(header);
    }

    @ParameterizedTest
    @CsvSource({"CLASSIC, false, 04030201 3412 0000 a4a3a2a1 feffffff, 01020304 1234 0000 a1a2a3a4 fffffffe",
            "CLASSIC, true, 04030201 3412 0100 a4a3a2a1 feffffff, 01020304 1234 0001 a1a2a3a4 fffffffe",
            "MODERN, false, 04030201 34120000 a4a3a2a1 feffffff, 01020304 00001234 a1a2a3a4 fffffffe",
            "MODERN, true, 04030201 34120080 a4a3a2a1 feffffff, 01020304 80001234 a1a2a3a4 fffffffe"})
    void a_header_is_written_as_these_bytes(Dialect dialect, boolean marked, String little, String big) {
        String expected = ByteOrder.nativeOrder() == ByteOrder.LITTLE_ENDIAN ? little : big;
        assertThat(written(dialect, 0x1234, marked)).isEqualTo(expected.replace(" ", ""));
    }

    @ParameterizedTest
    @CsvSource({"LITTLE, CLASSIC, false, 04030201 3412 0000 a4a3a2a1 feffffff",
            "LITTLE, CLASSIC, true, 04030201 3412 0100 a4a3a2a1 feffffff",
            "LITTLE, MODERN, false, 04030201 34120000 a4a3a2a1 feffffff",
            "LITTLE, MODERN, true, 04030201 34120080 a4a3a2a1 feffffff",
            "BIG, CLASSIC, false, 01020304 1234 0000 a1a2a3a4 fffffffe",
            "BIG, CLASSIC, true, 01020304 1234 0001 a1a2a3a4 fffffffe",
            "BIG, MODERN, false, 01020304 00001234 a1a2a3a4 fffffffe",
            "BIG, MODERN, true, 01020304 80001234 a1a2a3a4 fffffffe"})
    void a_capture_of_either_byte_order_can_be_read_in_its_format_and_by_auto(String endian, Dialect dialect,
            boolean marked, String hex) {
        ByteOrder order = endian.equals("BIG") ? ByteOrder.BIG_ENDIAN : ByteOrder.LITTLE_ENDIAN;
        MemorySegment header = bytes(hex);
        for (Dialect reader : new Dialect[]{dialect, AUTO}) {
            assertThat(ImsgHeader.length(header, 0, reader, order)).isEqualTo(0x1234);
            assertThat(ImsgHeader.marked(header, 0, reader, order)).isEqualTo(marked);
        }
        assertThat(ImsgHeader.field(header, 0, ImsgHeader.TYPE_OFFSET, order)).isEqualTo(TYPE);
        assertThat(ImsgHeader.field(header, 0, ImsgHeader.PEERID_OFFSET, order)).isEqualTo(PEERID);
        assertThat(ImsgHeader.field(header, 0, ImsgHeader.PID_OFFSET, order)).isEqualTo(PID);
        if (order == ByteOrder.nativeOrder())
            assertThat(ImsgHeader.length(header, 0, dialect)).isEqualTo(0x1234);
    }

    @ParameterizedTest
    @EnumSource(value = Dialect.class, names = {"CLASSIC", "MODERN"})
    void what_was_written_reads_back_at_every_unaligned_offset(Dialect dialect) {
        for (int offset = 0; offset < 17; offset++) {
            byte[] memory = new byte[64];
            MemorySegment segment = MemorySegment.ofArray(memory);
            ImsgHeader.write(segment, offset, dialect, TYPE, 65535, true, PEERID, PID);
            assertThat(ImsgHeader.type(segment, offset)).isEqualTo(TYPE);
            assertThat(ImsgHeader.length(segment, offset, dialect)).isEqualTo(65535);
            assertThat(ImsgHeader.marked(segment, offset, dialect)).isTrue();
            assertThat(ImsgHeader.dialect(segment, offset, AUTO)).isEqualTo(dialect);
            assertThat(ImsgHeader.peerid(segment, offset)).isEqualTo(PEERID);
            assertThat(ImsgHeader.pid(segment, offset)).isEqualTo(PID);
            for (int i = 0; i < memory.length; i++)
                if (i < offset || i >= offset + ImsgHeader.SIZE)
                    assertThat(memory[i]).as("byte %d, outside the header at %d", i, offset).isZero();
        }
    }

    @Test
    void fields_keep_all_32_bits() {
        MemorySegment segment = MemorySegment.ofArray(new byte[ImsgHeader.SIZE]);
        ImsgHeader.write(segment, 0, MODERN, -1, 16, false, -1, -1);
        assertThat(Integer.toUnsignedLong(ImsgHeader.type(segment, 0))).isEqualTo(0xFFFF_FFFFL);
        assertThat(Integer.toUnsignedLong(ImsgHeader.peerid(segment, 0))).isEqualTo(0xFFFF_FFFFL);
        assertThat(Integer.toUnsignedLong(ImsgHeader.pid(segment, 0))).isEqualTo(0xFFFF_FFFFL);
        assertThat(ImsgHeader.length(segment, 0, MODERN)).isEqualTo(16);
        assertThat(ImsgHeader.marked(segment, 0, MODERN)).isFalse();
    }

    @Test
    void a_length_of_all_ones_is_a_large_number_never_a_negative_one() {
        MemorySegment header = bytes("00000000 ffffffff 00000000 00000000");
        assertThat(ImsgHeader.length(header, 0, MODERN)).isEqualTo(Integer.MAX_VALUE);
        assertThat(ImsgHeader.length(header, 0, CLASSIC)).isEqualTo(65535);
    }

    @Test
    void a_header_that_is_not_inside_the_segment_is_refused() {
        MemorySegment segment = MemorySegment.ofArray(new byte[ImsgHeader.SIZE]);
        assertThatThrownBy(() -> ImsgHeader.pid(segment, 1)).isInstanceOf(IndexOutOfBoundsException.class);
        assertThatThrownBy(() -> ImsgHeader.type(segment, -1)).isInstanceOf(IndexOutOfBoundsException.class);
        assertThatThrownBy(() -> ImsgHeader.write(segment, 4, MODERN, 1, 16, false, 0, 0))
                .isInstanceOf(IndexOutOfBoundsException.class);
    }
}
