package org.imsg.wire;

import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static org.assertj.core.api.Assertions.assertThat;
import static org.imsg.wire.Dialect.AUTO;
import static org.imsg.wire.Dialect.CLASSIC;
import static org.imsg.wire.Dialect.MODERN;
import static org.imsg.wire.Framer.BAD_HEADER;
import static org.imsg.wire.Framer.INCOMPLETE;
import static org.imsg.wire.Framer.LOST;
import static org.imsg.wire.Framer.MISSING;
import static org.imsg.wire.Framer.NONE;

import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.imsg.wire.FramerRig.Message;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class FramerTest {
    private static final int LIMIT = 16384;

    private final FramerRig rig = new FramerRig(MODERN, LIMIT);

    private static byte[] plain(int type, int length) {
        return FramerRig.message(MODERN, type, length, false);
    }

    private static byte[] marked(int type, int length) {
        return FramerRig.message(MODERN, type, length, true);
    }

    private static byte[] glued(byte[]... parts) {
        return FramerRig.glued(parts);
    }

    private static byte[] header(int lengthWord) {
        byte[] header = plain(1, 16);
        MemorySegment.ofArray(header).set(JAVA_INT_UNALIGNED, 4, lengthWord);
        return header;
    }

    @Test
    void messages_come_out_one_by_one_with_the_length_they_say() {
        assertThat(rig.read(glued(plain(1, 16), plain(2, 20), plain(3, LIMIT)))).containsExactly(
                new Message(1, 16, NONE),
                new Message(2, 20, NONE), new Message(3, LIMIT, NONE));
        assertThat(rig.next()).isEqualTo(INCOMPLETE);
    }

    @Test
    void a_message_that_is_put_back_comes_again_with_its_descriptor() {
        rig.arrive(glued(plain(1, 20), marked(2, 30), plain(3, 16)), 7, false);
        for (int descriptor : new int[]{NONE, 7, NONE}) {
            int length = rig.next();
            assertThat(rig.framer.descriptor()).isEqualTo(descriptor);
            rig.putBack(length, descriptor);
            assertThat(rig.next()).isEqualTo(length);
            assertThat(rig.framer.descriptor()).isEqualTo(descriptor);
        }
        assertThat(rig.next()).isEqualTo(INCOMPLETE);
        assertThat(rig.unclaimed).isEmpty();
    }

    @Test
    void a_message_is_incomplete_until_its_last_byte_has_come() {
        byte[] bytes = plain(7, 40);
        for (int i = 0; i < 39; i++)
            assertThat(rig.read(Arrays.copyOfRange(bytes, i, i + 1))).isEmpty();
        assertThat(rig.read(Arrays.copyOfRange(bytes, 39, 40))).containsExactly(new Message(7, 40, NONE));
    }

    @Test
    void how_much_is_needed_is_the_header_first_and_the_whole_message_then() {
        rig.read(Arrays.copyOf(plain(1, 400), 15));
        assertThat(rig.framer.needed()).isEqualTo(16);
        rig.read(Arrays.copyOfRange(plain(1, 400), 15, 16));
        assertThat(rig.framer.needed()).isEqualTo(400);
    }

    @Test
    void the_format_of_earlier_marks_is_forgotten_with_another_dialect_and_kept_with_the_same() {
        FramerRig auto = new FramerRig(AUTO, LIMIT);
        auto.read(FramerRig.message(CLASSIC, 1, 20, true), 42);
        auto.framer.dialect(AUTO);
        assertThat(auto.framer.lastMarked()).isEqualTo(CLASSIC);
        auto.framer.dialect(MODERN);
        assertThat(auto.framer.lastMarked()).isNull();
        assertThat(auto.read(marked(2, 24), 43)).containsExactly(new Message(2, 24, 43));
    }

    @Test
    void a_marked_message_gets_the_descriptor_that_came_with_it() {
        assertThat(rig.read(marked(1, 20), 42)).containsExactly(new Message(1, 20, 42));
        assertThat(rig.unclaimed).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 8, 15})
    void a_descriptor_that_comes_with_an_incomplete_header_is_held_until_the_header_is_whole(int first) {
        byte[] bytes = marked(1, 20);
        assertThat(rig.read(Arrays.copyOf(bytes, first), 42)).isEmpty();
        assertThat(rig.unclaimed).isEmpty();
        assertThat(rig.read(Arrays.copyOfRange(bytes, first, 20))).containsExactly(new Message(1, 20, 42));
    }

    @Test
    void a_descriptor_is_held_for_a_marked_message_that_is_not_whole_yet() {
        byte[] bytes = marked(1, 300);
        assertThat(rig.read(Arrays.copyOf(bytes, 16), 42)).isEmpty();
        for (int i = 16; i < 299; i++)
            assertThat(rig.read(Arrays.copyOfRange(bytes, i, i + 1))).isEmpty();
        assertThat(rig.read(Arrays.copyOfRange(bytes, 299, 300))).containsExactly(new Message(1, 300, 42));
        assertThat(rig.unclaimed).isEmpty();
    }

    @Test
    void a_descriptor_with_an_unmarked_message_is_handed_back_at_once() {
        assertThat(rig.read(plain(1, 20), 42)).containsExactly(new Message(1, 20, NONE));
        assertThat(rig.unclaimed).containsExactly(42);
    }

    @Test
    void a_descriptor_with_the_header_of_an_unmarked_message_is_handed_back_before_the_payload_has_come() {
        assertThat(rig.read(Arrays.copyOf(plain(1, 20), 16), 42)).isEmpty();
        assertThat(rig.unclaimed).containsExactly(42);
    }

    @Test
    void a_descriptor_with_the_payload_of_an_unmarked_message_does_not_go_to_the_next_message() {
        byte[] bytes = plain(1, 30);
        rig.read(Arrays.copyOf(bytes, 20));
        assertThat(rig.read(Arrays.copyOfRange(bytes, 20, 30), 42)).containsExactly(new Message(1, 30, NONE));
        assertThat(rig.unclaimed).containsExactly(42);
        assertThat(rig.read(marked(2, 16))).containsExactly(new Message(2, 16, MISSING));
    }

    @Test
    void a_mark_without_a_descriptor_is_missing() {
        assertThat(rig.read(marked(1, 20))).containsExactly(new Message(1, 20, MISSING));
    }

    @Test
    void a_descriptor_that_comes_with_the_rest_of_a_header_is_its_messages_as_in_C() {
        for (int cut = 1; cut < 16; cut++)
            for (int end : new int[]{16, 18, 20}) {
                FramerRig own = new FramerRig(MODERN, LIMIT);
                byte[] bytes = marked(1, 20);
                List<Message> messages = new ArrayList<>(own.read(Arrays.copyOf(bytes, cut)));
                messages.addAll(own.read(Arrays.copyOfRange(bytes, cut, end), 42));
                if (end < 20)
                    messages.addAll(own.read(Arrays.copyOfRange(bytes, end, 20)));
                assertThat(messages).as("cut at %d, %d", cut, end).containsExactly(new Message(1, 20, 42));
                assertThat(own.unclaimed).isEmpty();
            }
    }

    @Test
    void a_descriptor_that_may_have_come_with_the_first_byte_of_a_later_message_is_not_the_unfinished_ones() {
        byte[] first = marked(1, 20);
        rig.read(Arrays.copyOf(first, 1));
        assertThat(rig.read(glued(Arrays.copyOfRange(first, 1, 20), marked(2, 16)), 42))
                .containsExactly(new Message(1, 20, MISSING), new Message(2, 16, 42));
    }

    @Test
    void a_descriptor_that_comes_behind_the_header_of_its_message_is_too_late() {
        byte[] bytes = marked(1, 20);
        assertThat(rig.read(Arrays.copyOf(bytes, 16))).isEmpty();
        assertThat(rig.read(Arrays.copyOfRange(bytes, 16, 20), 42)).containsExactly(new Message(1, 20, MISSING));
        assertThat(rig.unclaimed).containsExactly(42);
    }

    @Test
    void a_descriptor_the_kernel_dropped_is_lost_to_the_marked_message_it_came_with() {
        assertThat(rig.readLost(glued(plain(1, 16), marked(2, 16), marked(3, 16)))).containsExactly(
                new Message(1, 16, NONE), new Message(2, 16, LOST), new Message(3, 16, MISSING));
        assertThat(rig.unclaimed).isEmpty();
    }

    @Test
    void a_loss_with_an_unmarked_message_is_forgotten_with_it() {
        assertThat(rig.readLost(plain(1, 16))).containsExactly(new Message(1, 16, NONE));
        assertThat(rig.read(marked(2, 16))).containsExactly(new Message(2, 16, MISSING));
        assertThat(rig.unclaimed).isEmpty();
    }

    @Test
    void a_descriptor_that_did_come_counts_even_if_another_was_dropped_with_it() {
        rig.arrive(marked(1, 16), 42, true);
        assertThat(rig.drain()).containsExactly(new Message(1, 16, 42));
    }

    @Test
    void of_two_marked_messages_in_a_read_with_one_descriptor_the_first_gets_it() {
        assertThat(rig.read(glued(marked(1, 20), marked(2, 20)), 42)).containsExactly(new Message(1, 20, 42),
                new Message(2, 20, MISSING));
        assertThat(rig.unclaimed).isEmpty();
    }

    @Test
    void bytes_of_earlier_messages_in_the_same_read_do_not_take_the_descriptor() {
        byte[] earlier = plain(1, 50);
        rig.read(Arrays.copyOf(earlier, 20));
        byte[] rest = glued(Arrays.copyOfRange(earlier, 20, 50), plain(2, 16), marked(3, 17));
        assertThat(rig.read(rest, 42)).containsExactly(new Message(1, 50, NONE), new Message(2, 16, NONE),
                new Message(3, 17, 42));
        assertThat(rig.unclaimed).isEmpty();
    }

    @Test
    void the_tail_of_an_earlier_marked_message_does_not_take_the_descriptor_of_the_next() {
        byte[] earlier = marked(1, 50);
        rig.read(Arrays.copyOf(earlier, 20), 41);
        assertThat(rig.read(glued(Arrays.copyOfRange(earlier, 20, 50), marked(2, 17)), 42))
                .containsExactly(new Message(1, 50, 41), new Message(2, 17, 42));
        assertThat(rig.unclaimed).isEmpty();
    }

    @Test
    void a_batch_of_a_marked_message_and_unmarked_ones_after_it_gives_the_descriptor_to_the_marked_one() {
        assertThat(rig.read(glued(marked(1, 20), plain(2, 20), plain(3, 20)), 42)).containsExactly(
                new Message(1, 20, 42), new Message(2, 20, NONE), new Message(3, 20, NONE));
        assertThat(rig.unclaimed).isEmpty();
    }

    @Test
    void a_descriptor_waits_for_a_marked_message_that_begins_with_the_last_byte_of_its_read() {
        byte[] next = marked(2, 16);
        assertThat(rig.read(glued(plain(1, 16), Arrays.copyOf(next, 1)), 42)).containsExactly(new Message(1, 16, NONE));
        assertThat(rig.unclaimed).isEmpty();
        assertThat(rig.read(Arrays.copyOfRange(next, 1, 16))).containsExactly(new Message(2, 16, 42));
    }

    @Test
    void descriptors_of_several_reads_keep_their_order_until_the_messages_are_asked_for() {
        for (int i = 0; i < 100; i++)
            rig.arrive(marked(i, 16 + i), 1000 + i, false);
        assertThat(rig.drain()).hasSize(100).allMatch(message -> message.descriptor() == 1000 + message.type());
        assertThat(rig.unclaimed).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 15, LIMIT + 1, 65536, 0x7FFF_FFFF})
    void a_length_under_the_header_or_over_the_limit_is_refused_again_and_again_and_named(int length) {
        assertThat(rig.read(glued(plain(1, 16), header(length)))).containsExactly(new Message(1, 16, NONE));
        for (int i = 0; i < 3; i++)
            assertThat(rig.next()).isEqualTo(BAD_HEADER);
        assertThat(rig.saidLength()).isEqualTo(length);
    }

    @Test
    void a_length_of_0xffffffff_is_refused_and_its_descriptor_comes_back_with_close() {
        rig.arrive(header(0xFFFF_FFFF), 42, false);
        assertThat(rig.next()).isEqualTo(BAD_HEADER);
        assertThat(rig.saidLength()).isEqualTo(0x7FFF_FFFF);
        rig.framer.close();
        assertThat(rig.unclaimed).containsExactly(42);
    }

    @Test
    void the_longest_and_the_shortest_length_are_messages() {
        assertThat(rig.read(glued(plain(1, LIMIT), plain(2, 16)))).hasSize(2);
    }

    @Test
    void a_raised_limit_counts_from_the_next_header_on() {
        rig.arrive(plain(1, LIMIT + 1), -1, false);
        assertThat(rig.next()).isEqualTo(BAD_HEADER);
        rig.framer.limit(LIMIT + 1);
        assertThat(rig.framer.limit()).isEqualTo(LIMIT + 1);
        assertThat(rig.next()).isEqualTo(LIMIT + 1);
    }

    @Test
    void a_lowered_limit_does_not_touch_the_message_that_has_begun() {
        byte[] bytes = plain(1, 100);
        rig.read(Arrays.copyOf(bytes, 16));
        rig.framer.limit(50);
        assertThat(rig.read(Arrays.copyOfRange(bytes, 16, 100))).containsExactly(new Message(1, 100, NONE));
        rig.arrive(plain(2, 51), -1, false);
        assertThat(rig.next()).isEqualTo(BAD_HEADER);
    }

    @Test
    void a_classic_mark_is_a_length_over_the_limit_to_a_modern_reader() {
        rig.arrive(FramerRig.message(CLASSIC, 1, 20, true), 42, false);
        assertThat(rig.next()).isEqualTo(BAD_HEADER);
        boolean little = ByteOrder.nativeOrder() == ByteOrder.LITTLE_ENDIAN;
        assertThat(rig.saidLength()).isEqualTo(little ? 65536 + 20 : 20 * 65536 + 1);
    }

    @ParameterizedTest
    @EnumSource(names = {"CLASSIC", "MODERN"})
    void auto_settles_on_the_format_of_the_first_mark_and_refuses_one_in_the_other(Dialect first) {
        FramerRig auto = new FramerRig(AUTO, LIMIT);
        auto.read(plain(1, 16));
        assertThat(auto.framer.lastMarked()).isNull();
        assertThat(auto.read(FramerRig.message(first, 2, 20, true), 42)).containsExactly(new Message(2, 20, 42));
        assertThat(auto.framer.lastMarked()).isEqualTo(first);
        assertThat(auto.read(FramerRig.message(first, 3, 20, true), 43)).containsExactly(new Message(3, 20, 43));
        auto.read(plain(4, 20));
        auto.arrive(FramerRig.message(first == CLASSIC ? MODERN : CLASSIC, 5, 20, true), 44, false);
        assertThat(auto.next()).isEqualTo(BAD_HEADER);
        assertThat(auto.next()).isEqualTo(BAD_HEADER);
        assertThat(auto.framer.lastMarked()).isEqualTo(first);
    }

    @Test
    void the_format_can_be_changed_between_messages() {
        rig.read(plain(1, 16));
        rig.framer.dialect(CLASSIC);
        assertThat(rig.read(FramerRig.message(CLASSIC, 2, 20, true), 42)).containsExactly(new Message(2, 20, 42));
    }

    @Test
    void descriptors_that_come_with_every_byte_of_a_long_message_do_not_pile_up() {
        byte[] bytes = plain(1, LIMIT);
        for (int i = 0; i < bytes.length; i++) {
            rig.read(Arrays.copyOfRange(bytes, i, i + 1), i);
            assertThat(rig.held()).isLessThanOrEqualTo(ImsgHeader.SIZE - 1);
        }
        assertThat(rig.held()).isZero();
        assertThat(rig.unclaimed).hasSize(LIMIT).doesNotHaveDuplicates();
    }

    @Test
    void descriptors_that_come_with_every_byte_of_a_long_marked_message_do_not_pile_up_and_the_first_is_its_own() {
        byte[] bytes = marked(1, LIMIT);
        for (int i = 0; i < bytes.length - 1; i++) {
            rig.read(Arrays.copyOfRange(bytes, i, i + 1), i);
            assertThat(rig.held()).isLessThanOrEqualTo(ImsgHeader.SIZE);
        }
        assertThat(rig.read(Arrays.copyOfRange(bytes, LIMIT - 1, LIMIT), LIMIT - 1))
                .containsExactly(new Message(1, LIMIT, 0));
        assertThat(rig.unclaimed).hasSize(LIMIT - 1).doesNotHaveDuplicates().doesNotContain(0);
    }

    @Test
    void a_descriptor_nobody_asked_for_is_handed_back_with_the_next_message() {
        rig.arrive(glued(marked(1, 16)), 42, false);
        rig.arrive(plain(2, 16), -1, false);
        assertThat(rig.next()).isEqualTo(16);
        assertThat(rig.next()).isEqualTo(16);
        assertThat(rig.unclaimed).containsExactly(42);
        assertThat(rig.framer.descriptor()).isEqualTo(NONE);
    }

    @Test
    void what_became_of_a_descriptor_is_told_of_its_own_message_only() {
        rig.arrive(glued(marked(1, 16), plain(2, 16)), -1, true);
        assertThat(rig.next()).isEqualTo(16);
        assertThat(rig.next()).isEqualTo(16);
        assertThat(rig.framer.descriptor()).isEqualTo(NONE);
    }

    @Test
    void a_descriptor_is_given_once() {
        rig.arrive(marked(1, 16), 42, false);
        rig.next();
        assertThat(rig.framer.descriptor()).isEqualTo(42);
        assertThat(rig.framer.descriptor()).isEqualTo(NONE);
        rig.framer.close();
        assertThat(rig.unclaimed).isEmpty();
    }

    @ParameterizedTest
    @EnumSource(Held.class)
    void close_gives_back_what_is_held(Held held) {
        held.arrange(rig);
        rig.framer.close();
        assertThat(rig.unclaimed).containsExactlyInAnyOrder(held.descriptors);
        rig.framer.close();
        assertThat(rig.unclaimed).containsExactlyInAnyOrder(held.descriptors);
    }

    /** The places in which a framer can hold descriptors. */
    enum Held {
        NOTHING, FOR_AN_INCOMPLETE_HEADER(42, 43) {
            @Override
            void arrange(FramerRig rig) {
                rig.read(Arrays.copyOf(marked(1, 20), 1), 42);
                rig.read(Arrays.copyOfRange(marked(1, 20), 1, 3), 43);
            }
        },
        FOR_AN_INCOMPLETE_MESSAGE(42) {
            @Override
            void arrange(FramerRig rig) {
                rig.read(Arrays.copyOf(marked(1, 20), 19), 42);
            }
        },
        OF_A_MESSAGE_NOBODY_TOOK_IT_FROM(42) {
            @Override
            void arrange(FramerRig rig) {
                rig.arrive(marked(1, 20), 42, false);
                rig.next();
            }
        },
        OF_READS_NOBODY_LOOKED_AT(42, 43, 44, 45, 46) {
            @Override
            void arrange(FramerRig rig) {
                for (int descriptor : descriptors)
                    rig.arrive(marked(1, 20), descriptor, false);
            }
        },
        BEHIND_A_BAD_HEADER(42, 43) {
            @Override
            void arrange(FramerRig rig) {
                rig.read(header(15), 42);
                rig.read(marked(1, 20), 43);
            }
        };

        final Integer[] descriptors;

        Held(Integer... descriptors) {
            this.descriptors = descriptors;
        }

        void arrange(FramerRig rig) {
            rig.read(marked(1, 20), 41);
        }
    }
}
