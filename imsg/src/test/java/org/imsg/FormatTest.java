package org.imsg;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assumptions.assumeThat;
import static org.imsg.WireFormat.AUTO;
import static org.imsg.WireFormat.CLASSIC;
import static org.imsg.WireFormat.MODERN;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.imsg.unix.Fd;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

@Timeout(60)
class FormatTest {
    private static final boolean BIG_ENDIAN = ByteOrder.nativeOrder() == ByteOrder.BIG_ENDIAN;

    private static Fd someFile() throws Exception {
        return Fd.open(Path.of("/dev/null"));
    }

    static Stream<Arguments> formatsThatUnderstandEachOther() {
        return Stream.of(CLASSIC, MODERN, AUTO).flatMap(sender -> Stream.of(CLASSIC, MODERN, AUTO)
                .filter(receiver -> receiver == AUTO || (sender == AUTO ? MODERN : sender) == receiver)
                .map(receiver -> Arguments.of(sender, receiver)));
    }

    @ParameterizedTest
    @MethodSource("formatsThatUnderstandEachOther")
    void messages_pass_with_and_without_descriptors(WireFormat sender, WireFormat receiver) throws Exception {
        try (var pair = ImsgChannel.pair()) {
            ImsgChannel from = pair.first().format(sender).assume(MODERN).allowFdPassing();
            ImsgChannel to = pair.second().format(receiver).allowFdPassing();
            for (int type = 0; type < 20; type++)
                from.compose(type, 0, 0, type % 3 == 0 ? someFile() : null, new byte[type * 300]);
            from.flush();
            for (int type = 0; type < 20; type++) {
                try (Imsg message = to.receive()) {
                    assertThat(message.type()).isEqualTo(type);
                    assertThat(message.length()).isEqualTo(type * 300);
                    assertThat(message.descriptor())
                            .isEqualTo(type % 3 == 0 ? DescriptorState.PRESENT : DescriptorState.NONE);
                }
            }
        }
    }

    @Test
    void without_descriptors_the_formats_are_the_same_on_a_little_endian_machine() throws Exception {
        assumeThat(BIG_ENDIAN).as("big-endian").isFalse();
        try (var pair = ImsgChannel.pair()) {
            pair.first().format(CLASSIC).send(Imsg.of(1, new byte[16368]));
            assertThat(pair.second().format(MODERN).receive().length()).isEqualTo(16368);
            pair.second().send(Imsg.of(2, new byte[16368]));
            assertThat(pair.first().receive().length()).isEqualTo(16368);
        }
    }

    @Test
    void a_classic_mark_is_an_impossible_length_to_a_modern_reader() throws Exception {
        try (var pair = ImsgChannel.pair()) {
            pair.first().format(CLASSIC).allowFdPassing().send(Imsg.of(1).withFd(someFile()));
            ImsgChannel modern = pair.second().format(MODERN).allowFdPassing();
            assertThatExceptionOfType(ImsgProtocolException.class).isThrownBy(modern::receive)
                    .withMessageContaining(BIG_ENDIAN ? "1048577" : "65552")
                    .withMessageContaining(BIG_ENDIAN ? "0x00100001" : "0x00010010");
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"CLASSIC", "MODERN"})
    void each_format_marks_a_descriptor_where_its_c_peers_look_for_it(WireFormat format) throws Exception {
        try (RawPeer peer = RawPeer.connected()) {
            peer.channel.format(format).allowFdPassing()
                    .send(Imsg.of(0x11, 0x22, 0x33, new byte[2]).withFd(someFile()));
            ByteBuffer header = ByteBuffer.wrap(peer.receive(18)).order(ByteOrder.nativeOrder());
            assertThat(header.getInt(0)).isEqualTo(0x11);
            if (format == MODERN) {
                assertThat(header.getInt(4)).isEqualTo(0x8000_0012);
            } else {
                assertThat(header.getShort(4)).isEqualTo((short) 18);
                assertThat(header.getShort(6)).isEqualTo((short) 1);
            }
            assertThat(header.getInt(8)).isEqualTo(0x22);
            assertThat(header.getInt(12)).isEqualTo(0x33);
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"CLASSIC", "MODERN"})
    void auto_answers_in_the_format_the_peer_marks_its_descriptors_in(WireFormat spoken) throws Exception {
        try (var pair = ImsgChannel.pair()) {
            ImsgChannel auto = pair.first().allowFdPassing();
            ImsgChannel peer = pair.second().format(spoken).allowFdPassing();
            assertThat(auto.writtenFormat()).isEqualTo(AUTO);
            peer.send(Imsg.of(1));
            auto.receive();
            assertThat(auto.writtenFormat()).isEqualTo(AUTO);
            peer.send(Imsg.of(1).withFd(someFile()));
            auto.receive().close();
            assertThat(auto.writtenFormat()).isEqualTo(spoken);
            auto.send(Imsg.of(2).withFd(someFile()));
            try (Imsg answer = peer.receive()) {
                assertThat(answer.hasFd()).isTrue();
            }
        }
    }

    @Test
    void auto_refuses_a_descriptor_while_the_format_is_unknown_and_says_what_to_call() throws Exception {
        try (var pair = ImsgChannel.pair(); Fd fd = someFile(); Imsg message = Imsg.of(2).withFd(someFile())) {
            ImsgChannel auto = pair.first().allowFdPassing();
            assertThatIllegalStateException().isThrownBy(() -> auto.compose(1, 0, 0, fd, new byte[0]))
                    .withMessageContaining("format(").withMessageContaining("assume(");
            assertThatIllegalStateException().isThrownBy(() -> auto.send(message));
            assertThat(fd.isOpen()).isTrue();
            assertThat(message.hasFd()).isTrue();
            assertThat(auto.queuelen()).isZero();
            auto.send(Imsg.of(3));
            assertThat(pair.second().receive().type()).isEqualTo(3);
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"CLASSIC", "MODERN"})
    void a_peer_whose_marks_change_their_format_breaks_the_protocol(WireFormat first) throws Exception {
        try (var pair = ImsgChannel.pair()) {
            ImsgChannel auto = pair.first().allowFdPassing();
            ImsgChannel peer = pair.second().format(first).allowFdPassing();
            peer.send(Imsg.of(1).withFd(someFile()));
            peer.send(Imsg.of(2));
            peer.format(first == CLASSIC ? MODERN : CLASSIC).send(Imsg.of(3).withFd(someFile()));
            auto.receive().close();
            assertThat(auto.receive().type()).isEqualTo(2);
            for (int i = 0; i < 2; i++)
                assertThatExceptionOfType(ImsgProtocolException.class).isThrownBy(auto::receive)
                        .withMessageContaining("another format than those before");
        }
    }

    @Test
    void a_format_does_not_change_under_queued_messages() throws Exception {
        try (var pair = ImsgChannel.pair()) {
            ImsgChannel channel = pair.first().format(CLASSIC);
            channel.compose(1, 0, 0, new byte[0]);
            assertThatIllegalStateException().isThrownBy(() -> channel.format(MODERN));
            channel.flush();
            channel.format(MODERN);
            assertThat(channel.writtenFormat()).isEqualTo(MODERN);
        }
    }

    @Test
    void auto_learns_the_format_from_a_message_read_with_a_handler_too() throws Exception {
        try (var pair = ImsgChannel.pair()) {
            ImsgChannel auto = pair.first().allowFdPassing();
            pair.second().format(CLASSIC).allowFdPassing().send(Imsg.of(1).withFd(someFile()));
            auto.read(_ -> {});
            assertThat(auto.writtenFormat()).isEqualTo(CLASSIC);
        }
    }

    @Test
    void what_auto_writes_before_it_knows_the_peer_can_be_set() throws Exception {
        try (var pair = ImsgChannel.pair()) {
            ImsgChannel auto = pair.first().allowFdPassing().assume(CLASSIC);
            assertThat(auto.writtenFormat()).isEqualTo(CLASSIC);
            auto.send(Imsg.of(1).withFd(someFile()));
            try (Imsg message = pair.second().format(CLASSIC).allowFdPassing().receive()) {
                assertThat(message.hasFd()).isTrue();
            }
            pair.second().format(MODERN).send(Imsg.of(1).withFd(someFile()));
            auto.receive().close();
            assertThat(auto.writtenFormat()).isEqualTo(MODERN);
        }
    }

    /** On a big-endian machine a header says its format even if it has no mark. */
    @ParameterizedTest
    @EnumSource(names = {"CLASSIC", "MODERN"})
    void auto_writes_messages_without_a_descriptor_too_as_the_peer_is_assumed_to_read_them(WireFormat format)
            throws Exception {
        try (var pair = ImsgChannel.pair()) {
            pair.first().assume(format).send(Imsg.of(1, new byte[1000]));
            assertThat(pair.second().format(format).receive().length()).isEqualTo(1000);
        }
    }

    @Test
    void a_named_format_is_not_changed_by_an_assumption_nor_by_the_peer() throws Exception {
        try (var pair = ImsgChannel.pair()) {
            ImsgChannel modern = pair.first().format(MODERN).assume(CLASSIC);
            assertThat(modern.writtenFormat()).isEqualTo(MODERN);
            assertThatIllegalArgumentException().isThrownBy(() -> modern.assume(AUTO));
        }
    }

    @Test
    void messages_queued_before_the_format_changed_are_still_counted_and_sent_as_they_were() throws Exception {
        try (var pair = ImsgChannel.pair()) {
            ImsgChannel auto = pair.first().allowFdPassing().assume(CLASSIC);
            ImsgChannel peer = pair.second().allowFdPassing();
            auto.compose(1, 0, 0, someFile(), new byte[100]);
            peer.format(MODERN).send(Imsg.of(9).withFd(someFile()));
            auto.receive().close();
            auto.compose(2, 0, 0, someFile(), new byte[100]);
            assertThat(auto.queuelen()).isEqualTo(2);
            auto.flush();
            for (int type = 1; type <= 2; type++) {
                peer.format(type == 1 ? CLASSIC : MODERN);
                try (Imsg message = peer.receive()) {
                    assertThat(message.type()).isEqualTo(type);
                    assertThat(message.hasFd()).isTrue();
                }
            }
        }
    }
}
