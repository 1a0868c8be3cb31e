package org.imsg;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.FutureTask;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BiFunction;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.stream.Stream;

import org.imsg.unix.Fd;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class IbufTest {
    private static byte[] bytes(int... values) {
        byte[] bytes = new byte[values.length];
        for (int i = 0; i < values.length; i++) {
            bytes[i] = (byte) values[i];
        }
        return bytes;
    }

    private static byte[] contentOf(Ibuf ibuf) {
        return ibuf.data().toArray(ValueLayout.JAVA_BYTE);
    }

    @Nested
    class Adding {
        @Test
        void every_kind_of_block_is_appended_in_order() {
            Ibuf ibuf = Ibuf.open(14).add(bytes(1, 2)).add(bytes(0, 3, 4, 0), 1, 2)
                    .add(MemorySegment.ofArray(bytes(5, 6))).add(ByteBuffer.wrap(bytes(7, 8)))
                    .addIbuf(Ibuf.fromBuffer(bytes(9, 10))).addZero(2).add(bytes(11, 12));
            assertThat(contentOf(ibuf)).containsExactly(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 0, 0, 11, 12);
            assertThat(ibuf.left()).isZero();
        }

        @Test
        void a_byte_buffer_is_consumed_when_it_fits_and_untouched_when_not() {
            Ibuf ibuf = Ibuf.open(3);
            ByteBuffer source = ByteBuffer.wrap(bytes(1, 2, 3, 4)).position(1).limit(3);
            ibuf.add(source);
            assertThat(source.hasRemaining()).isFalse();
            source.rewind();
            assertThatExceptionOfType(ImsgTooLargeException.class).isThrownBy(() -> ibuf.add(source));
            assertThat(source.position()).isZero();
            assertThat(contentOf(ibuf)).containsExactly(2, 3);
        }

        @Test
        void a_read_only_byte_buffer_can_be_added() {
            ByteBuffer source = ByteBuffer.wrap(bytes(1, 2)).asReadOnlyBuffer();
            assertThat(contentOf(Ibuf.open(2).add(source))).containsExactly(1, 2);
        }

        @Test
        void a_buffer_can_be_added_to_itself_even_where_it_has_to_grow() {
            Ibuf ibuf = Ibuf.dynamic(3, 1000).add(bytes(1, 2, 3)).skip(1);
            assertThat(contentOf(ibuf.addIbuf(ibuf))).containsExactly(2, 3, 2, 3);
        }

        @Test
        void adding_a_buffer_does_not_consume_it() {
            Ibuf from = Ibuf.open(3).add(bytes(1, 2, 3)).skip(1);
            Ibuf.open(2).addIbuf(from);
            assertThat(contentOf(from)).containsExactly(2, 3);
        }

        @Test
        void memory_that_was_freed_adds_nothing() {
            MemorySegment freed;
            try (Arena arena = Arena.ofConfined()) {
                freed = arena.allocate(4);
            }
            Ibuf ibuf = Ibuf.dynamic(0, 8);
            assertThatIllegalStateException().isThrownBy(() -> ibuf.add(freed));
            assertThat(ibuf.size()).isZero();
        }

        @Test
        void a_part_outside_the_array_is_refused_with_ascii_digits_whatever_the_locale() {
            Ibuf ibuf = Ibuf.open(8);
            Locale before = Locale.getDefault();
            Locale.setDefault(Locale.of("ar", "EG"));
            try {
                assertThatExceptionOfType(IndexOutOfBoundsException.class)
                        .isThrownBy(() -> ibuf.add(bytes(1, 2), 1, 2)).withMessageContaining("[1, 1 + 2)");
            } finally {
                Locale.setDefault(before);
            }
            assertThat(ibuf.size()).isZero();
        }

        @Test
        void reserved_bytes_are_zero_and_written_through_the_slice() {
            Ibuf ibuf = Ibuf.open(6).add(bytes(9, 9, 9, 9)).truncate(1);
            MemorySegment reserved = ibuf.reserve(3);
            assertThat(contentOf(ibuf)).containsExactly(9, 0, 0, 0);
            reserved.set(ValueLayout.JAVA_BYTE, 2, (byte) 7);
            assertThat(contentOf(ibuf)).containsExactly(9, 0, 0, 7);
        }

        @Test
        void negative_lengths_are_refused() {
            Ibuf ibuf = Ibuf.open(8).add(bytes(1, 2));
            Stream.<Consumer<Ibuf>>of(b -> b.addZero(-1), b -> b.reserve(-1), b -> b.truncate(-1), b -> b.skip(-1),
                    b -> b.get(-1), b -> b.getIbuf(-1), b -> b.getString(-1))
                    .forEach(call -> assertThatIllegalArgumentException().isThrownBy(() -> call.accept(ibuf))
                            .withMessageContaining("-1"));
            assertThat(contentOf(ibuf)).containsExactly(1, 2);
        }
    }

    @Nested
    class Limits {
        @Test
        void a_fixed_buffer_takes_its_length_and_no_byte_more() {
            Ibuf ibuf = Ibuf.open(4).addN32(1);
            assertThatExceptionOfType(ImsgTooLargeException.class).isThrownBy(() -> ibuf.addN8(1))
                    .withMessage("5 bytes are too many, the limit is 4")
                    .satisfies(e -> assertThat(e.size()).isEqualTo(5), e -> assertThat(e.limit()).isEqualTo(4));
            assertThat(contentOf(ibuf)).containsExactly(0, 0, 0, 1);
        }

        @Test
        void a_dynamic_buffer_grows_byte_by_byte_up_to_its_maximum() {
            Ibuf ibuf = Ibuf.dynamic(0, 16_368);
            for (int i = 0; i < 16_368; i++) {
                assertThat(ibuf.left()).isEqualTo(16_368 - i);
                ibuf.addN8(i % 251);
            }
            assertThatExceptionOfType(ImsgTooLargeException.class).isThrownBy(() -> ibuf.addN8(0));
            for (int i = 0; i < 16_368; i++) {
                assertThat(ibuf.getN8()).isEqualTo(i % 251);
            }
        }

        @Test
        void bytes_already_read_still_count() {
            Ibuf ibuf = Ibuf.open(4).addN32(1).skip(4);
            assertThat(ibuf.left()).isZero();
            assertThatExceptionOfType(ImsgTooLargeException.class).isThrownBy(() -> ibuf.addN8(1));
        }

        @Test
        void the_maximum_can_be_lowered_but_neither_raised_nor_put_below_the_content() {
            Ibuf ibuf = Ibuf.dynamic(100, 200).addZero(10).setMaxSize(20);
            assertThat(ibuf.left()).isEqualTo(10);
            assertThatIllegalArgumentException().isThrownBy(() -> ibuf.setMaxSize(21)).withMessageContaining("21");
            assertThatIllegalArgumentException().isThrownBy(() -> ibuf.setMaxSize(9)).withMessageContaining("10");
            assertThatExceptionOfType(ImsgTooLargeException.class).isThrownBy(() -> ibuf.addZero(11));
            assertThat(ibuf.addZero(10).left()).isZero();
        }

        @Test
        void a_length_that_would_overflow_is_too_large() {
            Ibuf ibuf = Ibuf.dynamic(1, Integer.MAX_VALUE).addN8(1);
            assertThatExceptionOfType(ImsgTooLargeException.class).isThrownBy(() -> ibuf.addZero(Integer.MAX_VALUE))
                    .satisfies(e -> assertThat(e.size()).isEqualTo(1L << 31));
        }

        @Test
        void impossible_sizes_are_refused() {
            assertThatIllegalArgumentException().isThrownBy(() -> Ibuf.open(-1));
            assertThatIllegalArgumentException().isThrownBy(() -> Ibuf.dynamic(0, 0));
            assertThatIllegalArgumentException().isThrownBy(() -> Ibuf.dynamic(-1, 1));
            assertThatIllegalArgumentException().isThrownBy(() -> Ibuf.dynamic(2, 1));
            assertThat(Ibuf.open(0).left()).isZero();
        }
    }

    /** One row: what adds a number, sets it and gets it, and the bytes of the number in network order. */
    record Field(String name, BiFunction<Ibuf, Long, Ibuf> add, BiFunction<Ibuf, Long, Ibuf> set,
            Function<Ibuf, Number> get, boolean network, byte... networkOrder) {
        long value() {
            return new java.math.BigInteger(1, networkOrder).longValue();
        }

        byte[] onTheWire() {
            byte[] wire = networkOrder.clone();
            if (!network && ByteOrder.nativeOrder() == ByteOrder.LITTLE_ENDIAN) {
                for (int i = 0; i < wire.length; i++) {
                    wire[i] = networkOrder[wire.length - 1 - i];
                }
            }
            return wire;
        }

        @Override
        public String toString() {
            return name;
        }
    }

    static List<Field> fields() {
        byte[] two = bytes(0xf1, 0xf2);
        byte[] four = bytes(0xf1, 0xf2, 0xf3, 0xf4);
        byte[] eight = bytes(0xf1, 0xf2, 0xf3, 0xf4, 0xf5, 0xf6, 0xf7, 0xf8);
        return List.of(
                new Field("n8", (b, v) -> b.addN8(v.intValue()), (b, v) -> b.setN8(1, v.intValue()), Ibuf::getN8, true,
                        (byte) 0xf1),
                new Field("n16", (b, v) -> b.addN16(v.intValue()), (b, v) -> b.setN16(1, v.intValue()), Ibuf::getN16,
                        true, two),
                new Field("n32", Ibuf::addN32, (b, v) -> b.setN32(1, v), Ibuf::getN32, true, four),
                new Field("n64", Ibuf::addN64, (b, v) -> b.setN64(1, v), Ibuf::getN64, true, eight),
                new Field("h16", (b, v) -> b.addH16(v.intValue()), (b, v) -> b.setH16(1, v.intValue()), Ibuf::getH16,
                        false, two),
                new Field("h32", Ibuf::addH32, (b, v) -> b.setH32(1, v), Ibuf::getH32, false, four),
                new Field("h64", Ibuf::addH64, (b, v) -> b.setH64(1, v), Ibuf::getH64, false, eight));
    }

    static List<Field> fieldsWithARange() {
        return fields().stream().filter(field -> field.networkOrder().length < 8).toList();
    }

    @Nested
    class Numbers {
        @ParameterizedTest
        @MethodSource("org.imsg.IbufTest#fields")
        void a_number_is_added_in_its_byte_order(Field field) {
            Ibuf ibuf = Ibuf.dynamic(0, 8);
            assertThat(contentOf(field.add().apply(ibuf, field.value()))).isEqualTo(field.onTheWire());
        }

        @ParameterizedTest
        @MethodSource("org.imsg.IbufTest#fields")
        void a_number_is_got_unsigned(Field field) {
            Ibuf ibuf = Ibuf.fromBuffer(field.onTheWire());
            assertThat(field.get().apply(ibuf).longValue()).isEqualTo(field.value());
            assertThat(ibuf.size()).isZero();
        }

        @ParameterizedTest
        @MethodSource("org.imsg.IbufTest#fields")
        void a_number_is_set_where_it_is_told_to(Field field) {
            int width = field.networkOrder().length;
            Ibuf ibuf = Ibuf.open(width + 3).addZero(width + 3).skip(1);
            field.set().apply(ibuf, field.value());
            assertThat(ibuf.size()).isEqualTo(width + 2);
            assertThat(ibuf.getN8()).isZero();
            assertThat(ibuf.get(width)).isEqualTo(field.onTheWire());
            assertThat(ibuf.getN8()).isZero();
        }

        @ParameterizedTest
        @MethodSource("org.imsg.IbufTest#fieldsWithARange")
        void a_number_out_of_range_is_refused_with_the_range_and_changes_nothing(Field field) {
            long max = (1L << 8 * field.networkOrder().length) - 1;
            Ibuf ibuf = Ibuf.dynamic(0, 100).add(bytes(1, 2, 3, 4, 5));
            for (long value : new long[]{-1, max + 1}) {
                if (value == (int) value || max > Integer.MAX_VALUE) {
                    String message = value + " does not fit: 0 to " + max;
                    assertThatIllegalArgumentException().isThrownBy(() -> field.add().apply(ibuf, value))
                            .withMessage(message);
                    assertThatIllegalArgumentException().isThrownBy(() -> field.set().apply(ibuf, value))
                            .withMessage(message);
                }
            }
            assertThat(contentOf(ibuf)).containsExactly(1, 2, 3, 4, 5);
        }

        @ParameterizedTest
        @MethodSource("org.imsg.IbufTest#fields")
        void a_number_that_is_cut_is_not_consumed(Field field) {
            int width = field.networkOrder().length;
            Ibuf ibuf = Ibuf.fromBuffer(new byte[width]).skip(1);
            assertThatExceptionOfType(TruncatedMessageException.class).isThrownBy(() -> field.get().apply(ibuf))
                    .withMessage("asked for " + width + " bytes, " + (width - 1) + " left")
                    .satisfies(e -> assertThat(e.asked()).isEqualTo(width),
                            e -> assertThat(e.left()).isEqualTo(width - 1));
            assertThat(ibuf.size()).isEqualTo(width - 1);
        }

        @ParameterizedTest
        @MethodSource("org.imsg.IbufTest#fields")
        void a_number_is_not_set_across_the_end(Field field) {
            int width = field.networkOrder().length;
            Ibuf ibuf = Ibuf.open(100).addZero(width);
            assertThatExceptionOfType(IndexOutOfBoundsException.class)
                    .isThrownBy(() -> field.set().apply(ibuf, field.value()));
            assertThat(contentOf(ibuf)).containsOnly(0);
        }
    }

    @Nested
    class Strings {
        @Test
        void a_string_field_is_filled_up_with_nul() {
            Ibuf ibuf = Ibuf.open(8).add(bytes(9, 9, 9, 9, 9, 9)).truncate(0).addStrbuf("em0", 6);
            assertThat(contentOf(ibuf)).containsExactly('e', 'm', '0', 0, 0, 0);
        }

        @Test
        void a_string_that_leaves_no_room_for_its_nul_adds_nothing() {
            Ibuf ibuf = Ibuf.dynamic(0, 100);
            assertThatIllegalArgumentException().isThrownBy(() -> ibuf.addStrbuf("abcd", 4))
                    .withMessage("a string of 4 bytes and its NUL do not fit a field of 4");
            assertThatIllegalArgumentException().isThrownBy(() -> ibuf.addStrbuf("", 0));
            assertThat(ibuf.size()).isZero();
            assertThat(ibuf.addStrbuf("abc", 4).getStrbuf(4)).isEqualTo("abc");
        }

        @Test
        void the_length_of_a_string_is_that_of_its_utf8() {
            assertThatIllegalArgumentException().isThrownBy(() -> Ibuf.open(100).addStrbuf("ééé", 6))
                    .withMessageContaining("6 bytes");
            assertThat(Ibuf.open(100).addStrbuf("ééé", 7).getStrbuf(7)).isEqualTo("ééé");
        }

        @Test
        void a_nul_inside_a_string_is_refused() {
            Ibuf ibuf = Ibuf.open(100);
            assertThatIllegalArgumentException().isThrownBy(() -> ibuf.addStrbuf("ab\0c", 16))
                    .withMessageContaining("index 2");
            assertThat(ibuf.size()).isZero();
        }

        @Test
        void a_string_field_past_the_maximum_adds_nothing() {
            Ibuf ibuf = Ibuf.open(5);
            assertThatExceptionOfType(ImsgTooLargeException.class).isThrownBy(() -> ibuf.addStrbuf("a", 6));
            assertThat(ibuf.size()).isZero();
        }

        @Test
        void a_string_ends_at_its_first_nul_wherever_in_its_field() {
            Ibuf ibuf = Ibuf.fromBuffer("ab\0cdeab\0rest".getBytes(UTF_8));
            assertThat(ibuf.getStrbuf(6)).isEqualTo("ab");
            assertThat(ibuf.getStrbuf(3)).isEqualTo("ab");
            assertThat(ibuf.getString(3)).isEqualTo("res");
            assertThat(ibuf.getString(0)).isEmpty();
            assertThat(ibuf.size()).isEqualTo(1);
        }

        @Test
        void a_string_field_without_nul_is_an_error_and_not_consumed() {
            Ibuf ibuf = Ibuf.fromBuffer("abcdef\0".getBytes(UTF_8));
            assertThatExceptionOfType(TruncatedMessageException.class).isThrownBy(() -> ibuf.getStrbuf(6))
                    .withMessage("a string field of 6 bytes has no NUL");
            assertThatExceptionOfType(TruncatedMessageException.class).isThrownBy(() -> ibuf.getStrbuf(8))
                    .withMessage("asked for 8 bytes, 7 left");
            assertThatIllegalArgumentException().isThrownBy(() -> ibuf.getStrbuf(0));
            assertThat(ibuf.getString(7)).isEqualTo("abcdef");
        }

        @Test
        void bytes_that_are_not_utf8_become_the_replacement_character() {
            assertThat(Ibuf.fromBuffer(bytes('a', 0xff, 'b', 0)).getStrbuf(4)).isEqualTo("a\ufffdb");
        }
    }

    @Nested
    class Positions {
        @Test
        void seek_and_set_count_from_the_read_position() {
            Ibuf ibuf = Ibuf.open(6).add(bytes(0, 1, 2, 3, 4)).skip(2).set(1, bytes(9));
            assertThat(ibuf.seek(0, 3).toArray(ValueLayout.JAVA_BYTE)).containsExactly(2, 9, 4);
            ibuf.seek(2, 1).fill((byte) 8);
            assertThat(contentOf(ibuf.rewind())).containsExactly(0, 1, 2, 9, 8);
        }

        @Test
        void seek_and_set_stay_within_the_content() {
            Ibuf ibuf = Ibuf.open(10).add(bytes(1, 2, 3)).skip(1);
            assertThat(ibuf.seek(2, 0).byteSize()).isZero();
            for (int[] range : new int[][]{{2, 1}, {3, 0}, {-1, 1}, {0, -1}, {1, Integer.MAX_VALUE}}) {
                assertThatExceptionOfType(IndexOutOfBoundsException.class)
                        .isThrownBy(() -> ibuf.seek(range[0], range[1]));
            }
            assertThatExceptionOfType(IndexOutOfBoundsException.class).isThrownBy(() -> ibuf.set(1, bytes(8, 8)));
            assertThat(contentOf(ibuf)).containsExactly(2, 3);
        }

        @Test
        void truncate_cuts_or_fills_up_with_zeros_behind_the_read_position() {
            Ibuf ibuf = Ibuf.open(6).add(bytes(1, 2, 3, 4, 5)).skip(1);
            assertThat(contentOf(ibuf.truncate(2))).containsExactly(2, 3);
            assertThat(contentOf(ibuf.truncate(5))).containsExactly(2, 3, 0, 0, 0);
            assertThatExceptionOfType(ImsgTooLargeException.class).isThrownBy(() -> ibuf.truncate(6));
            assertThat(ibuf.size()).isEqualTo(5);
        }

        @Test
        void what_is_not_there_can_neither_be_got_nor_skipped() {
            Ibuf ibuf = Ibuf.open(10).add(bytes(1, 2, 3));
            Stream.<Consumer<Ibuf>>of(b -> b.get(4), b -> b.get(new byte[4]), b -> b.getIbuf(4), b -> b.getString(4),
                    b -> b.skip(4))
                    .forEach(call -> assertThatExceptionOfType(TruncatedMessageException.class)
                            .isThrownBy(() -> call.accept(ibuf)).withMessage("asked for 4 bytes, 3 left"));
            byte[] all = new byte[3];
            ibuf.get(all);
            assertThat(all).containsExactly(1, 2, 3);
        }
    }

    @Nested
    class Views {
        @Test
        void a_view_of_a_buffer_reads_ahead_without_consuming() {
            Ibuf ibuf = Ibuf.open(8).addN32(7).addN32(8).skip(4);
            Ibuf ahead = Ibuf.fromIbuf(ibuf);
            assertThat(ahead.getN32()).isEqualTo(8);
            assertThat(ibuf.getN32()).isEqualTo(8);
        }

        @Test
        void a_part_is_consumed_as_a_view() {
            Ibuf ibuf = Ibuf.fromBuffer(bytes(1, 2, 3, 4));
            Ibuf part = ibuf.getIbuf(3);
            assertThat(part.skip(1).get(2)).containsExactly(2, 3);
            assertThatExceptionOfType(TruncatedMessageException.class).isThrownBy(part::getN8);
            assertThat(ibuf.getN8()).isEqualTo(4);
        }

        @Test
        void a_view_ends_with_the_buffer_it_shows() {
            Ibuf ibuf = Ibuf.open(8).addN32(7).addN32(8);
            Ibuf ahead = Ibuf.fromIbuf(ibuf);
            Ibuf part = Ibuf.fromIbuf(ahead).getIbuf(4);
            Ibuf moved = ibuf.move();
            assertThatIllegalStateException().isThrownBy(ahead::getN32)
                    .withMessage("this Ibuf is a view of one that was moved");
            assertThatIllegalStateException().isThrownBy(part::getN32);
            Ibuf first = moved.getIbuf(4);
            assertThat(first.getN8()).isZero();
            moved.close();
            assertThatIllegalStateException().isThrownBy(first::getN8)
                    .withMessage("this Ibuf is a view of one that was closed");
        }

        @Test
        void a_view_of_a_view_does_not_end_with_that_view() {
            Ibuf view = Ibuf.fromBuffer(bytes(1, 2, 3));
            Ibuf part = view.getIbuf(2);
            view.close();
            assertThat(part.get(2)).containsExactly(1, 2);
        }

        @Test
        void a_view_can_be_cut_but_not_filled_up() {
            Ibuf view = Ibuf.fromBuffer(bytes(1, 2, 3)).truncate(2);
            assertThat(contentOf(view)).containsExactly(1, 2);
            assertThat(view.left()).isZero();
            assertThatIllegalStateException().isThrownBy(() -> view.truncate(3));
        }

        @Test
        void a_view_cannot_be_written_grown_or_given_a_descriptor(@TempDir Path directory) throws IOException {
            byte[] memory = bytes(1, 2, 3, 4);
            Ibuf view = Ibuf.fromBuffer(memory);
            try (Fd fd = new Witness(directory).open()) {
                Stream.<Consumer<Ibuf>>of(b -> b.addN8(1), b -> b.add(bytes(1)), b -> b.addZero(0), b -> b.reserve(0),
                        b -> b.setN8(0, 1), b -> b.set(0, bytes(1)), b -> b.setMaxSize(4), b -> b.fdSet(fd), Ibuf::move)
                        .forEach(call -> assertThatIllegalStateException().isThrownBy(() -> call.accept(view))
                                .withMessageContaining("view"));
                assertThat(fd.isOpen()).isTrue();
            }
            assertThat(view.data().isReadOnly()).isTrue();
            assertThat(view.seek(0, 1).isReadOnly()).isTrue();
            assertThat(view.left()).isZero();
            assertThat(view.fdAvail()).isFalse();
            assertThat(view.fdGet()).isNull();
            assertThat(memory).containsExactly(1, 2, 3, 4);
        }

        @Test
        void a_view_of_native_memory_reads_it_at_any_alignment() {
            try (Arena arena = Arena.ofConfined()) {
                MemorySegment memory = arena.allocate(16).asSlice(3, 8);
                memory.set(ValueLayout.JAVA_LONG_UNALIGNED, 0, 0x1122334455667788L);
                assertThat(Ibuf.fromBuffer(memory).getH64()).isEqualTo(0x1122334455667788L);
            }
        }

        @Test
        @SuppressWarnings("restricted")
        void memory_too_large_to_count_in_an_int_is_refused() {
            MemorySegment memory = MemorySegment.NULL.reinterpret(1L << 31);
            assertThatIllegalArgumentException().isThrownBy(() -> Ibuf.fromBuffer(memory))
                    .withMessageContaining("2147483648");
            Ibuf ibuf = Ibuf.dynamic(0, Integer.MAX_VALUE);
            assertThatExceptionOfType(ImsgTooLargeException.class).isThrownBy(() -> ibuf.add(memory));
            assertThatExceptionOfType(ImsgTooLargeException.class)
                    .isThrownBy(() -> ibuf.addN8(1).add(MemorySegment.NULL.reinterpret(Long.MAX_VALUE)));
        }
    }

    @Nested
    class Threads {
        @Test
        void another_thread_is_refused_by_every_method_and_changes_nothing() throws Exception {
            Ibuf ibuf = Ibuf.open(8).addN32(7);
            Ibuf view = Ibuf.fromIbuf(ibuf);
            inAnotherThread(() -> Stream.<Consumer<Ibuf>>of(Ibuf::size, Ibuf::left, Ibuf::data, Ibuf::getN8,
                    b -> b.getIbuf(0), b -> b.get(0), b -> b.getString(0), b -> b.getStrbuf(1), b -> b.addN8(1),
                    b -> b.add(bytes(1)), b -> b.reserve(1), b -> b.setN8(0, 1), b -> b.seek(0, 0), b -> b.truncate(0),
                    Ibuf::rewind, b -> b.skip(1), b -> b.setMaxSize(4), Ibuf::fdAvail, Ibuf::fdGet, Ibuf::fromIbuf,
                    b -> Ibuf.open(8).addIbuf(b), Ibuf::move, Ibuf::close)
                    .forEach(call -> List.of(ibuf, view).forEach(
                            buffer -> assertThatExceptionOfType(WrongThreadException.class)
                                    .isThrownBy(() -> call.accept(buffer)).withMessageContaining("another thread"))));
            assertThat(view.getN32()).isEqualTo(7);
            assertThat(ibuf.addN8(1).getN32()).isEqualTo(7);
        }

        @Test
        void a_moved_buffer_belongs_to_the_first_thread_that_uses_it() throws Exception {
            for (int round = 0; round < 1000; round++) {
                Ibuf moved = Ibuf.dynamic(0, 100).addN8(9).move();
                AtomicInteger refused = new AtomicInteger();
                CyclicBarrier together = new CyclicBarrier(2);
                Callable<Integer> use = () -> {
                    together.await();
                    try {
                        for (int i = 0; i < 10; i++) {
                            moved.addN32(i);
                        }
                        return moved.size();
                    } catch (WrongThreadException e) {
                        refused.incrementAndGet();
                        return 41;
                    }
                };
                FutureTask<Integer> other = new FutureTask<>(use);
                Thread thread = Thread.ofPlatform().start(other);
                assertThat(use.call()).isEqualTo(41);
                assertThat(other.get()).isEqualTo(41);
                thread.join();
                assertThat(refused).hasValue(1);
            }
        }

        private static void inAnotherThread(Runnable work) throws Exception {
            FutureTask<Void> task = new FutureTask<>(work, null);
            Thread.ofPlatform().start(task).join();
            task.get();
        }
    }

    @Nested
    class Ownership {
        private Witness witness;

        @BeforeEach
        void open(@TempDir Path directory) throws IOException {
            witness = new Witness(directory);
        }

        @Test
        void closing_closes_a_descriptor_that_nobody_took() throws IOException {
            try (Ibuf ibuf = Ibuf.open(0)) {
                assertThat(ibuf.fdAvail()).isFalse();
                ibuf.fdSet(witness.open());
                assertThat(ibuf.fdAvail()).isTrue();
                assertThat(witness.openDescriptors()).isEqualTo(1);
            }
            assertThat(witness.openDescriptors()).isZero();
        }

        @Test
        void a_descriptor_taken_out_is_the_callers() throws IOException {
            Ibuf ibuf = Ibuf.open(0).fdSet(witness.open());
            try (Fd fd = ibuf.fdGet()) {
                assertThat(ibuf.fdAvail()).isFalse();
                assertThat(ibuf.fdGet()).isNull();
                ibuf.close();
                assertThat(fd.isOpen()).isTrue();
                assertThat(witness.openDescriptors()).isEqualTo(1);
            }
            assertThat(witness.openDescriptors()).isZero();
        }

        @Test
        void a_descriptor_set_is_no_longer_the_callers() throws IOException {
            try (Ibuf ibuf = Ibuf.open(0)) {
                try (Fd fd = witness.open()) {
                    ibuf.fdSet(fd);
                    assertThatIllegalStateException().isThrownBy(fd::intValue);
                }
                assertThat(witness.openDescriptors()).isEqualTo(1);
            }
        }

        @Test
        void a_second_descriptor_closes_the_first() throws IOException {
            try (Ibuf ibuf = Ibuf.open(0).fdSet(witness.open()).fdSet(witness.open())) {
                assertThat(ibuf.fdAvail()).isTrue();
                assertThat(witness.openDescriptors()).isEqualTo(1);
            }
        }

        @Test
        void a_descriptor_that_cannot_be_moved_leaves_the_one_there() throws IOException {
            Fd gone = witness.open();
            gone.close();
            try (Ibuf ibuf = Ibuf.open(0).fdSet(witness.open())) {
                assertThatIllegalStateException().isThrownBy(() -> ibuf.fdSet(gone));
                assertThat(ibuf.fdAvail()).isTrue();
                assertThat(witness.openDescriptors()).isEqualTo(1);
            }
        }

        @Test
        void a_closed_buffer_can_be_closed_again_and_used_for_nothing() {
            Ibuf ibuf = Ibuf.open(8).addN32(1);
            ibuf.close();
            assertThatCode(ibuf::close).doesNotThrowAnyException();
            Stream.<Consumer<Ibuf>>of(Ibuf::size, Ibuf::left, Ibuf::data, Ibuf::getN8, b -> b.addN8(1),
                    b -> b.setN8(0, 1), b -> b.seek(0, 0), b -> b.truncate(0), Ibuf::rewind, b -> b.skip(0),
                    b -> b.setMaxSize(4), Ibuf::fdAvail, Ibuf::fdGet, Ibuf::fromIbuf,
                    b -> Ibuf.open(1).addIbuf(b), b -> b.get(0), b -> b.getStrbuf(1), Ibuf::move)
                    .forEach(call -> assertThatIllegalStateException().isThrownBy(() -> call.accept(ibuf))
                            .withMessage("this Ibuf was closed"));
        }

        @Test
        void a_move_takes_content_positions_maximum_header_and_descriptor() throws IOException {
            Ibuf from = Ibuf.forMessage(1, 2, 3, 0, 100).add(bytes(1, 2, 3)).skip(1).fdSet(witness.open());
            try (Ibuf to = from.move()) {
                assertThat(contentOf(to)).containsExactly(2, 3);
                assertThat(to.left()).isEqualTo(97);
                assertThat(to.header()).isEqualTo(new Ibuf.Header(1, 2, 3));
                from.close();
                assertThat(witness.openDescriptors()).isEqualTo(1);
                assertThat(contentOf(to.rewind())).containsExactly(1, 2, 3);
                assertThatIllegalStateException().isThrownBy(from::size).withMessage("this Ibuf was moved");
            }
            assertThat(witness.openDescriptors()).isZero();
        }

        @Test
        void a_message_takes_its_limit_from_the_payload_alone() {
            assertThat(Ibuf.forMessage(1, 2, 3, 16_368, 16_368).left()).isEqualTo(16_368);
            assertThatExceptionOfType(ImsgTooLargeException.class)
                    .isThrownBy(() -> Ibuf.forMessage(1, 2, 3, 16_369, 16_368))
                    .withMessage("16369 bytes are too many, the limit is 16368");
            assertThat(Ibuf.dynamic(0, 1).header()).isNull();
        }
    }
}
