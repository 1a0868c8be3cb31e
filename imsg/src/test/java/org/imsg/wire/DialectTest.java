package org.imsg.wire;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.imsg.wire.Dialect.AUTO;
import static org.imsg.wire.Dialect.CLASSIC;
import static org.imsg.wire.Dialect.CLASSIC_LIMIT;
import static org.imsg.wire.Dialect.MODERN;
import static org.imsg.wire.Dialect.MODERN_LIMIT;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class DialectTest {
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void every_length_a_format_can_say_reads_back_with_and_without_the_mark(boolean bigEndian) {
        for (boolean marked : new boolean[]{false, true}) {
            for (int length = 0; length <= CLASSIC_LIMIT; length++)
                assertReadsBack(CLASSIC, length, marked, bigEndian);
            for (int length : new int[]{0, 16, 16384, 65535, 65536, 131072, MODERN_LIMIT - 1, MODERN_LIMIT})
                assertReadsBack(MODERN, length, marked, bigEndian);
        }
    }

    private static void assertReadsBack(Dialect dialect, int length, boolean marked, boolean bigEndian) {
        int word = dialect.word(length, marked, bigEndian);
        if (dialect.length(word, bigEndian) != length || dialect.marked(word, bigEndian) != marked)
            throw new AssertionError(
                    "%s, length %d, %s: the word %08x reads as length %d, %s".formatted(dialect, length,
                            marked, word, dialect.length(word, bigEndian), dialect.marked(word, bigEndian)));
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void auto_tells_the_formats_apart_for_every_marked_message_up_to_65535(boolean bigEndian) {
        for (int length = ImsgHeader.SIZE; length <= CLASSIC_LIMIT; length++) {
            for (Dialect writer : new Dialect[]{CLASSIC, MODERN}) {
                int word = writer.word(length, true, bigEndian);
                if (AUTO.of(word, bigEndian) != writer || AUTO.length(word, bigEndian) != length
                        || !AUTO.marked(word, bigEndian))
                    throw new AssertionError("a marked %s message of %d was taken for %s of %d, marked %s".formatted(
                            writer, length, AUTO.of(word, bigEndian), AUTO.length(word, bigEndian),
                            AUTO.marked(word, bigEndian)));
            }
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void auto_reads_every_unmarked_message_up_to_65535_of_either_format(boolean bigEndian) {
        for (int length = ImsgHeader.SIZE; length <= CLASSIC_LIMIT; length++) {
            for (Dialect writer : new Dialect[]{CLASSIC, MODERN}) {
                int word = writer.word(length, false, bigEndian);
                if (AUTO.length(word, bigEndian) != length || AUTO.marked(word, bigEndian))
                    throw new AssertionError("an unmarked %s message of %d was read as %d, marked %s".formatted(writer,
                            length, AUTO.length(word, bigEndian), AUTO.marked(word, bigEndian)));
            }
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {0x0002, 0x0003, 0x0101, 0x8001, 0xFFFF})
    void auto_takes_flags_that_no_classic_writer_sets_for_a_length_over_65535_that_is_then_refused(int flags) {
        int word = flags << 16 | 20;
        assertThat(AUTO.of(word, false)).isEqualTo(MODERN);
        assertThat(AUTO.length(word, false)).isGreaterThan(CLASSIC_LIMIT);
    }

    @Test
    void an_unmarked_message_is_the_same_word_in_both_formats_on_a_little_endian_machine_only() {
        assertThat(CLASSIC.word(0x1234, false, false)).isEqualTo(MODERN.word(0x1234, false, false));
        assertThat(CLASSIC.word(0x1234, false, true)).isNotEqualTo(MODERN.word(0x1234, false, true));
        assertThat(AUTO.of(MODERN.word(0x1234, false, false), false)).isEqualTo(MODERN);
    }

    @Test
    void a_classic_mark_reads_as_65536_more_to_a_modern_little_endian_reader() {
        for (int length = ImsgHeader.SIZE; length <= CLASSIC_LIMIT; length++) {
            int word = CLASSIC.word(length, true, false);
            assertThat(MODERN.length(word, false)).isEqualTo(length + 65536);
            assertThat(MODERN.marked(word, false)).isFalse();
        }
    }

    @Test
    void a_modern_mark_is_no_mark_to_a_classic_reader_and_the_length_reads_right() {
        int word = MODERN.word(20, true, false);
        assertThat(CLASSIC.length(word, false)).isEqualTo(20);
        assertThat(CLASSIC.marked(word, false)).isFalse();
    }

    @Test
    void other_classic_flags_are_not_the_mark() {
        assertThat(CLASSIC.marked(0xFFFE_0010, false)).isFalse();
        assertThat(CLASSIC.length(0xFFFE_0010, false)).isEqualTo(16);
        assertThat(CLASSIC.marked(0xFFFF_0010, false)).isTrue();
        assertThat(CLASSIC.marked(0x0010_FFFE, true)).isFalse();
        assertThat(CLASSIC.marked(0x0010_FFFF, true)).isTrue();
    }

    @Test
    void all_ones_is_the_longest_length_and_marked_never_a_negative_length() {
        assertThat(MODERN.length(-1, false)).isEqualTo(Integer.MAX_VALUE);
        assertThat(MODERN.marked(-1, false)).isTrue();
        assertThat(CLASSIC.length(-1, false)).isEqualTo(65535);
        for (boolean bigEndian : new boolean[]{false, true})
            assertThat(AUTO.length(-1, bigEndian)).isPositive();
    }

    @Test
    void nothing_can_be_written_as_auto() {
        assertThatIllegalArgumentException().isThrownBy(() -> AUTO.word(16, false, false));
    }
}
