package org.imsg;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.imsg.RawPeer.MODERN_MARK;
import static org.imsg.RawPeer.header;
import static org.imsg.RawPeer.join;
import static org.imsg.RawPeer.message;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.imsg.cstruct.CStruct;
import org.imsg.cstruct.MalformedStructException;
import org.imsg.cstruct.U64;
import org.imsg.unix.Fd;
import org.imsg.wire.Dialect;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(60)
class BadInputTest {
    private static final boolean BIG_ENDIAN = ByteOrder.nativeOrder() == ByteOrder.BIG_ENDIAN;

    private RawPeer peer;
    private ImsgChannel channel;
    private Witness witness;

    @BeforeEach
    void connect(@TempDir Path directory) throws IOException {
        witness = new Witness(directory);
        peer = RawPeer.connected();
        channel = peer.channel.allowFdPassing();
    }

    @AfterEach
    void close() throws IOException {
        peer.close();
    }

    private void peerSendsWithWitness(int descriptors, byte[] bytes) throws IOException {
        Fd[] fds = new Fd[descriptors];
        for (int i = 0; i < descriptors; i++)
            fds[i] = witness.open();
        peer.send(bytes, fds);
        for (Fd fd : fds)
            fd.close();
    }

    @ParameterizedTest
    @CsvSource({"0, 0, 0", "1, 1, 1", "15, 15, 15", "16385, 16385, 16385", "65535, 65535, 65535",
            "-1, 2147483647, 65535", "0x7FFFFFFF, 2147483647, 32767", "0x8000000F, 15, 32768",
            "0x80004001, 16385, 16385", "0x00010000, 0, 1", "0x00020010, 131088, 2"})
    void a_length_no_message_can_have_is_an_error_with_the_numbers(String word, long onLittleEndian,
            long onBigEndian) {
        long length = BIG_ENDIAN ? onBigEndian : onLittleEndian;
        peer.send(header(77, Long.decode(word).intValue()));
        assertThatExceptionOfType(ImsgProtocolException.class).isThrownBy(channel::receive)
                .withMessageContaining("type 77").withMessageContaining("length " + length + ";")
                .withMessageContaining("16 to 16384").satisfies(e -> {
                    assertThat(e.length()).isEqualTo(length);
                    assertThat(e.limit()).isEqualTo(16384);
                });
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 15, 16385, 0xFFFF_FFFF})
    void receive_delivers_the_good_messages_first_and_then_the_fault_every_time(int word) throws Exception {
        peer.send(join(message(1), message(2, (byte) 3), header(9, word), message(4)));
        assertThat(channel.receive().type()).isEqualTo(1);
        assertThat(channel.receive().type()).isEqualTo(2);
        for (int i = 0; i < 3; i++)
            assertThatExceptionOfType(ImsgProtocolException.class).isThrownBy(channel::receive);
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 15, 16385, 0xFFFF_FFFF})
    void get_delivers_the_good_messages_first_and_then_the_fault_every_time(int word) throws Exception {
        peer.send(join(message(1), message(2), header(9, word), message(4)));
        assertThat(channel.read()).isPositive();
        assertThat(channel.get().type()).isEqualTo(1);
        assertThat(channel.get().type()).isEqualTo(2);
        for (int i = 0; i < 3; i++)
            assertThatExceptionOfType(ImsgProtocolException.class).isThrownBy(channel::get);
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 15, 16385, 0xFFFF_FFFF})
    void a_handler_sees_the_good_messages_first_and_the_reads_after_it_fail_every_time(int word) throws Exception {
        peer.send(join(message(1), message(2), header(9, word), message(4)));
        List<Integer> types = new ArrayList<>();
        assertThat(channel.read(message -> types.add(message.type()))).isEqualTo(2);
        assertThat(types).containsExactly(1, 2);
        for (int i = 0; i < 3; i++)
            assertThatExceptionOfType(ImsgProtocolException.class).isThrownBy(() -> channel.read(_ -> {}));
        assertThatExceptionOfType(ImsgProtocolException.class).isThrownBy(() -> channel.poll(_ -> {}));
    }

    @Test
    void more_descriptors_than_one_and_one_without_a_mark_are_closed_and_counted() throws Exception {
        peerSendsWithWitness(3, header(1, 16 | RawPeer.MODERN_MARK));
        peerSendsWithWitness(1, message(2));
        try (Imsg message = channel.receive()) {
            assertThat(message.hasFd()).isTrue();
        }
        assertThat(channel.receive().hasFd()).isFalse();
        assertThat(witness.openDescriptors()).isZero();
        assertThat(channel.surplusDescriptors()).isEqualTo(3);
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void a_payload_that_its_handler_cannot_read_breaks_the_protocol_for_every_later_read(boolean struct)
            throws Exception {
        peer.send(join(message(1, new byte[8]), message(2, (byte) 1), message(3, new byte[8])));
        ImsgHandler handler = struct
                ? message -> message.getData(CStruct.of(Request.class))
                : message -> message.getH64(0);
        for (int i = 0; i < 3; i++)
            assertThatExceptionOfType(ImsgProtocolException.class).isThrownBy(() -> channel.read(handler))
                    .withMessageContaining("imsg type 2 ")
                    .withCauseInstanceOf(struct ? MalformedStructException.class : TruncatedMessageException.class);
        assertThatExceptionOfType(ImsgProtocolException.class).isThrownBy(channel::receive);
        assertThatExceptionOfType(ImsgProtocolException.class).isThrownBy(channel::get);
    }

    /** What a handler expects of each payload. */
    private record Request(@U64 long number) {}

    @Test
    void a_channel_dead_for_reading_can_still_tell_its_peer() throws Exception {
        peer.send(header(9, 15));
        assertThatExceptionOfType(ImsgProtocolException.class).isThrownBy(channel::receive);
        channel.send(Imsg.of(0xE0));
        assertThat(ByteBuffer.wrap(peer.receive(16)).order(ByteOrder.nativeOrder()).getInt(0)).isEqualTo(0xE0);
    }

    @Test
    void a_peer_cannot_make_a_dead_channel_hold_descriptors() throws Exception {
        peer.send(header(9, 15));
        assertThat(channel.read()).isPositive();
        assertThatExceptionOfType(ImsgProtocolException.class).isThrownBy(channel::get);
        for (int i = 0; i < 20; i++) {
            peerSendsWithWitness(1, new byte[1]);
            channel.read();
        }
        assertThat(witness.openDescriptors()).isZero();
    }

    @ParameterizedTest
    @EnumSource(names = {"MODERN", "CLASSIC"})
    void a_mark_without_a_descriptor_is_reported_as_missing(Dialect format) throws Exception {
        peer.send(join(header(1, format.word(16, true, BIG_ENDIAN)), message(2)));
        Imsg message = channel.receive();
        assertThat(message.type()).isEqualTo(1);
        assertThat(message.descriptor()).isEqualTo(DescriptorState.MISSING);
        assertThat(message.takeFd()).isNull();
        assertThat(message).hasToString("imsg type 1 id 0 pid 0, 0 bytes, descriptor missing");
        assertThat(channel.receive().descriptor()).isEqualTo(DescriptorState.NONE);
    }

    @Test
    void a_descriptor_without_a_mark_is_closed() throws Exception {
        peerSendsWithWitness(1, message(1));
        Imsg message = channel.receive();
        assertThat(message.descriptor()).isEqualTo(DescriptorState.NONE);
        assertThat(witness.openDescriptors()).isZero();
    }

    @Test
    void a_message_with_two_descriptors_keeps_one_and_the_other_is_closed() throws Exception {
        peerSendsWithWitness(2, header(1, 16 | MODERN_MARK));
        peerSendsWithWitness(1, header(2, 16 | MODERN_MARK));
        for (int type = 1; type <= 2; type++) {
            try (Imsg message = channel.receive()) {
                assertThat(message.type()).isEqualTo(type);
                assertThat(message.descriptor()).isEqualTo(DescriptorState.PRESENT);
                assertThat(witness.openDescriptors()).isEqualTo(1);
            }
        }
    }

    @Test
    void as_many_descriptors_as_the_kernel_passes_at_once_are_closed_but_for_one() throws Exception {
        peerSendsWithWitness(253, header(1, 16 | MODERN_MARK));
        try (Imsg message = channel.receive()) {
            assertThat(message.hasFd()).isTrue();
            assertThat(witness.openDescriptors()).isEqualTo(1);
        }
    }

    @Test
    void a_descriptor_that_arrives_with_the_first_byte_of_a_header_waits_for_the_rest() throws Exception {
        byte[] marked = header(1, 16 | MODERN_MARK);
        peerSendsWithWitness(1, Arrays.copyOf(marked, 1));
        assertThat(channel.read(_ -> {})).isZero();
        assertThat(witness.openDescriptors()).isEqualTo(1);
        peer.send(Arrays.copyOfRange(marked, 1, 16));
        try (Imsg message = channel.receive()) {
            assertThat(message.descriptor()).isEqualTo(DescriptorState.PRESENT);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15})
    void the_end_inside_a_header_is_an_error_after_the_messages_before_it(int part) throws Exception {
        peer.send(join(message(1), Arrays.copyOf(message(2), part)));
        peer.die();
        assertThat(channel.receive().type()).isEqualTo(1);
        for (int i = 0; i < 2; i++)
            assertThatExceptionOfType(ImsgEofException.class).isThrownBy(channel::receive)
                    .withMessage("the stream ended after " + part + " of the 16 bytes of a header").satisfies(e -> {
                        assertThat(e.received()).isEqualTo(part);
                        assertThat(e.expected()).isEqualTo(16);
                    });
    }

    @ParameterizedTest
    @ValueSource(ints = {16, 17, 19})
    void the_end_inside_a_payload_is_an_error_after_the_messages_before_it(int part) throws Exception {
        peer.send(message(1));
        peerSendsWithWitness(1, Arrays.copyOf(header(2, 20 | MODERN_MARK), part));
        peer.die();
        assertThat(channel.read(_ -> {})).isEqualTo(1);
        assertThatExceptionOfType(ImsgEofException.class).isThrownBy(() -> {
            while (channel.read(_ -> {}) == 0) {
                // until the end has been read
            }
        }).withMessage("the stream ended after " + part + " of the 20 bytes of a message").satisfies(e -> {
            assertThat(e.received()).isEqualTo(part);
            assertThat(e.expected()).isEqualTo(20);
        });
        assertThat(witness.openDescriptors()).isZero();
        assertThatExceptionOfType(ImsgEofException.class).isThrownBy(channel::get);
        assertThatExceptionOfType(ImsgEofException.class).isThrownBy(() -> channel.poll(_ -> {}));
    }

    @Test
    void a_fault_stays_one_when_the_limit_is_raised_afterwards() throws Exception {
        try (ImsgChannel.Pair pair = ImsgChannel.pair()) {
            pair.first().send(Imsg.of(1, new byte[100]));
            pair.second().maxSize(10);
            for (int limit : new int[]{10, 50, 1000}) {
                pair.second().maxSize(limit);
                assertThatExceptionOfType(ImsgProtocolException.class).isThrownBy(() -> pair.second().receive())
                        .withMessageContaining("116");
            }
        }
    }
}
