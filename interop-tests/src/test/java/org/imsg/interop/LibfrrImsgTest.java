package org.imsg.interop;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.util.Arrays;
import java.util.Random;

import org.imsg.DescriptorState;
import org.imsg.Imsg;
import org.imsg.ImsgChannel;
import org.imsg.ImsgProtocolException;
import org.imsg.ImsgTooLargeException;
import org.imsg.WireFormat;
import org.imsg.unix.Fd;
import org.imsg.unix.FdChannel;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * An ImsgChannel and OpenBSD's C code, as FRR 8.4.4 has it, at the two ends of a socketpair, both in this process. No interrupt
 * ends a wait in C, so the tests run on threads of their own, and a stuck one is let go when our end is closed.
 */
@RealPeers
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class LibfrrImsgTest {
    private static final int MAX = 16368;
    private static final int OWN_PID = (int) ProcessHandle.current().pid();
    private static final byte[] EMPTY = {};

    private ImsgChannel java;
    private Fd frrSocket;
    private FrrChannel frr;

    @BeforeEach
    void connect() throws Exception {
        Frr library = Frr.load();
        Fd.Pair sockets = Fd.socketpair();
        java = ImsgChannel.of(sockets.first()).format(WireFormat.CLASSIC).allowFdPassing();
        frrSocket = sockets.second();
        frr = new FrrChannel(library).init(frrSocket.intValue());
    }

    @AfterEach
    void disconnect() throws IOException {
        if (java == null)
            return;
        java.close();
        frr.clear();
        frr.close();
        frrSocket.close();
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 15, 16, 17, 16367, 16368})
    void a_message_composed_in_C_arrives_in_java(int size) throws Exception {
        byte[] payload = random(size);
        assertThat(frr.compose(0xfffffffe, 0x80000001, 4711, -1, payload)).isEqualTo(1);
        assertThat(frr.flush()).isZero();
        Imsg message = java.receive();
        assertThat(message).returns(0xfffffffe, Imsg::type).returns(0x80000001, Imsg::id).returns(4711, Imsg::pid)
                .returns(DescriptorState.NONE, Imsg::descriptor);
        assertThat(message.payload()).isEqualTo(payload);
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 15, 16, 17, 16367, 16368})
    void a_message_composed_in_java_arrives_in_C(int size) throws Exception {
        byte[] payload = random(size);
        java.send(Imsg.of(0xfffffffe, 0x80000001, 4711, payload));
        assertThat(nextInC()).isEqualTo(16 + size);
        assertThat(frr).returns(0xfffffffe, FrrChannel::type).returns(0x80000001, FrrChannel::peerid)
                .returns(4711, FrrChannel::pid).returns(-1, FrrChannel::fd).returns(false, FrrChannel::marked)
                .returns(16 + size, FrrChannel::length);
        assertThat(frr.data()).isEqualTo(payload);
    }

    @Test
    void pid_0_is_sent_as_the_senders_pid_by_both() throws Exception {
        frr.compose(1, 0, 0, -1, EMPTY);
        frr.flush();
        assertThat(java.receive().pid()).isEqualTo(OWN_PID);
        java.send(Imsg.of(1, 0, 0, EMPTY));
        nextInC();
        assertThat(frr.pid()).isEqualTo(OWN_PID);
    }

    @Test
    void messages_gathered_and_built_in_C_arrive_in_java() throws Exception {
        assertThat(frr.composev(1, 2, 3, -1, "ab".getBytes(UTF_8), EMPTY, "cde".getBytes(UTF_8))).isEqualTo(1);
        frr.build(4, 5, 0, -1, "fg".getBytes(UTF_8), "h".getBytes(UTF_8));
        assertThat(frr.flush()).isZero();
        Imsg gathered = java.receive();
        assertThat(gathered).returns(1, Imsg::type).returns(2, Imsg::id).returns(3, Imsg::pid);
        assertThat(gathered.payload()).asString(UTF_8).isEqualTo("abcde");
        Imsg built = java.receive();
        assertThat(built).returns(4, Imsg::type).returns(5, Imsg::id).returns(OWN_PID, Imsg::pid);
        assertThat(built.payload()).asString(UTF_8).isEqualTo("fgh");
    }

    @Test
    void a_descriptor_from_C_is_the_same_file_in_java() throws Exception {
        try (Fd.Pair composed = Fd.pipe(); Fd.Pair gathered = Fd.pipe(); Fd.Pair built = Fd.pipe()) {
            frr.compose(1, 0, 0, composed.second().release(), "x".getBytes(UTF_8));
            frr.composev(2, 0, 0, gathered.second().release(), "y".getBytes(UTF_8), "z".getBytes(UTF_8));
            frr.build(3, 0, 0, built.second().release());
            assertThat(frr.flush()).isZero();
            for (Fd.Pair pipe : Arrays.asList(composed, gathered, built)) {
                try (Imsg message = java.receive()) {
                    assertThat(message.descriptor()).isEqualTo(DescriptorState.PRESENT);
                    write(message.takeFd(), "through " + message.type());
                    // To the end: neither C nor the channel keeps the pipe open.
                    assertThat(read(pipe.first())).isEqualTo("through " + message.type());
                }
            }
        }
    }

    @Test
    void a_descriptor_from_java_is_the_same_file_in_C() throws Exception {
        try (Fd.Pair pipe = Fd.pipe()) {
            java.send(Imsg.of(1, "look").withFd(pipe.second()));
            nextInC();
            assertThat(frr.marked()).isTrue();
            assertThat(frr.data()).asString(UTF_8).isEqualTo("look\0");
            write(Fd.of(frr.fd()), "written by the receiver");
            assertThat(read(pipe.first())).isEqualTo("written by the receiver");
        }
    }

    @Test
    void of_many_messages_in_one_flush_of_java_each_keeps_its_descriptor_in_C() throws Exception {
        Fd.Pair[] pipes = new Fd.Pair[20];
        for (int i = 0; i < 60; i++) {
            Fd fd = null;
            if (i % 3 == 1)
                fd = (pipes[i / 3] = Fd.pipe()).second();
            java.compose(i, 0, 0, fd, new byte[i % 7]);
        }
        java.flush();
        for (int i = 0; i < 60; i++) {
            assertThat(nextInC()).isEqualTo(16 + i % 7);
            assertThat(frr.type()).isEqualTo(i);
            assertThat(frr.marked()).isEqualTo(i % 3 == 1);
            if (i % 3 == 1) {
                write(Fd.of(frr.fd()), "number " + i);
                assertThat(read(pipes[i / 3].first())).isEqualTo("number " + i);
            } else {
                assertThat(frr.fd()).isEqualTo(-1);
            }
        }
    }

    @Test
    void of_many_messages_in_one_flush_of_C_each_keeps_its_descriptor_in_java() throws Exception {
        Fd.Pair[] pipes = new Fd.Pair[20];
        for (int i = 0; i < 60; i++) {
            int fd = -1;
            if (i % 3 == 1)
                fd = (pipes[i / 3] = Fd.pipe()).second().release();
            frr.compose(i, 0, 0, fd, new byte[i % 7]);
        }
        assertThat(frr.queued()).isEqualTo(60);
        assertThat(frr.flush()).isZero();
        for (int i = 0; i < 60; i++) {
            try (Imsg message = java.receive()) {
                assertThat(message).returns(i, Imsg::type).returns(i % 7, Imsg::length);
                assertThat(message.descriptor()).isEqualTo(i % 3 == 1 ? DescriptorState.PRESENT : DescriptorState.NONE);
                if (i % 3 == 1) {
                    write(message.takeFd(), "number " + i);
                    assertThat(read(pipes[i / 3].first())).isEqualTo("number " + i);
                }
            }
        }
    }

    @Test
    void a_payload_of_16369_bytes_is_refused_by_senders_on_both_sides() throws Exception {
        assertThat(frr.compose(1, 0, 0, -1, new byte[MAX + 1])).isEqualTo(-1);
        assertThat(frr.errno()).isEqualTo(FrrChannel.ERANGE);
        assertThat(frr.composev(1, 0, 0, -1, new byte[MAX], new byte[1])).isEqualTo(-1);
        assertThat(frr.errno()).isEqualTo(FrrChannel.ERANGE);
        assertThat(frr.canCreate(MAX)).isTrue();
        assertThat(frr.canCreate(MAX + 1)).isFalse();
        assertThat(frr.errno()).isEqualTo(FrrChannel.ERANGE);
        assertThatExceptionOfType(ImsgTooLargeException.class)
                .isThrownBy(() -> java.compose(1, 0, 0, new byte[MAX + 1]));
        assertThat(java.queuelen()).isZero();
    }

    @Test
    void a_payload_of_16369_bytes_is_refused_by_the_receiver_in_C() throws Exception {
        java.maxSize(MAX + 1);
        java.send(Imsg.of(1, "before"));
        java.send(Imsg.of(2, new byte[MAX + 1]));
        assertThat(nextInC()).isEqualTo(23);
        assertThat(nextInC()).isEqualTo(-1);
        assertThat(frr.errno()).isEqualTo(FrrChannel.ERANGE);
    }

    @Test
    void a_header_that_says_more_than_16384_is_refused_by_the_receiver_in_java() throws Exception {
        frr.compose(1, 0, 0, -1, "before".getBytes(UTF_8));
        frr.flush();
        try (FdChannel raw = new FdChannel(frrSocket.dup())) {
            raw.write(ByteBuffer.wrap(new byte[]{2, 0, 0, 0, 1, 0x40, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}));
        }
        assertThat(java.receive().type()).isEqualTo(1);
        assertThatExceptionOfType(ImsgProtocolException.class).isThrownBy(java::receive)
                .returns(16385L, ImsgProtocolException::length);
    }

    @Test
    void the_end_of_either_side_is_seen_by_the_other() throws Exception {
        java.shutdownOutput();
        assertThat(frr.read()).isZero();
        frrSocket.close();
        assertThat(java.receive()).isNull();
    }

    /** imsg_get, and imsg_read as long as that has nothing: the length of a message. */
    private long nextInC() {
        long length = frr.get();
        while (length == 0) {
            assertThat(frr.read()).isPositive();
            length = frr.get();
        }
        return length;
    }

    private static byte[] random(int size) {
        byte[] bytes = new byte[size];
        new Random(size).nextBytes(bytes);
        return bytes;
    }

    /** The descriptor is closed then. */
    private static void write(Fd fd, String text) throws IOException {
        try (FdChannel channel = new FdChannel(fd)) {
            channel.write(ByteBuffer.wrap(text.getBytes(UTF_8)));
        }
    }

    private static String read(Fd fd) throws IOException {
        try (FdChannel channel = new FdChannel(fd)) {
            return new String(Channels.newInputStream(channel).readAllBytes(), UTF_8);
        }
    }
}
