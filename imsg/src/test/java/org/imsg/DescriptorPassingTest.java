package org.imsg;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.Arena;
import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.nio.file.DirectoryStream;
import org.imsg.sys.Constants;
import org.imsg.sys.Posix;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.imsg.testing.Call;
import org.imsg.unix.ErrnoException;
import org.imsg.unix.Fd;
import org.imsg.unix.FdChannel;
import org.imsg.unix.OpenFlag;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class DescriptorPassingTest {
    @TempDir
    Path directory;

    private ImsgChannel.Pair pair;
    private ImsgChannel channel;
    private ImsgChannel peer;
    private Witness witness;

    @BeforeEach
    void connect() throws Exception {
        witness = new Witness(directory);
        pair = ImsgChannel.pair();
        channel = pair.first().format(WireFormat.MODERN).allowFdPassing();
        peer = pair.second().allowFdPassing();
    }

    @AfterEach
    void close() throws Exception {
        pair.close();
    }

    @Test
    void a_file_opened_here_is_read_through_the_descriptor_received_there() throws Exception {
        Path file = Files.writeString(directory.resolve("passed"), "what the receiver reads");
        channel.send(Imsg.of(1).withFd(Fd.open(file, OpenFlag.READ)));
        try (Imsg message = peer.receive(); FdChannel reader = new FdChannel(message.takeFd())) {
            assertThat(message.descriptor()).isEqualTo(DescriptorState.TAKEN);
            assertThat(message.takeFd()).isNull();
            ByteBuffer bytes = ByteBuffer.allocate(100);
            reader.read(bytes);
            assertThat(new String(bytes.array(), 0, bytes.position(), UTF_8)).isEqualTo("what the receiver reads");
        }
    }

    @Test
    void without_permission_a_descriptor_is_refused_and_stays_the_callers() throws Exception {
        try (var closed = ImsgChannel.pair();
                Fd fd = witness.open();
                Imsg message = Imsg.of(1).withFd(witness.open())) {
            assertThatIllegalStateException().isThrownBy(() -> closed.first().compose(1, 0, 0, fd, new byte[0]))
                    .withMessageContaining("allowFdPassing");
            assertThat(fd.isOpen()).isTrue();
            assertThatIllegalStateException().isThrownBy(() -> closed.first().send(message));
            assertThat(message.hasFd()).isTrue();
            assertThat(closed.first().queuelen()).isZero();
        }
        assertThat(witness.openDescriptors()).isZero();
    }

    @Test
    void a_channel_that_does_not_take_descriptors_reports_one_as_lost_and_keeps_none() throws Exception {
        try (var half = ImsgChannel.pair()) {
            half.first().format(WireFormat.MODERN).allowFdPassing();
            half.first().compose(1, 0, 0, witness.open(), new byte[0]);
            half.first().compose(2, 0, 0, new byte[0]);
            half.first().flush();
            Imsg message = half.second().receive();
            assertThat(message.descriptor()).isEqualTo(DescriptorState.LOST);
            assertThat(message.takeFd()).isNull();
            assertThat(half.second().receive().descriptor()).isEqualTo(DescriptorState.NONE);
            assertThat(witness.openDescriptors()).isZero();
        }
    }

    @Test
    void a_pidfd_that_the_socket_adds_to_each_message_is_closed_and_counted() throws Exception {
        passPidfds(peer);
        OpenPidfds before = OpenPidfds.now();
        for (int i = 0; i < 50; i++) {
            channel.send(i % 2 == 0 ? Imsg.of(1) : Imsg.of(1).withFd(witness.open()));
            try (Imsg message = peer.receive()) {
                assertThat(message.hasFd()).isEqualTo(i % 2 == 1);
            }
        }
        assertThat(OpenPidfds.now()).isEqualTo(before);
        assertThat(peer.surplusDescriptors()).isEqualTo(50);
        assertThat(channel.surplusDescriptors()).isZero();
    }

    /** SO_PASSPIDFD, in Linux since 6.5. */
    private static void passPidfds(ImsgChannel receiver) throws Exception {
        try (Arena arena = Arena.ofConfined()) {
            int result = Posix.setsockopt(receiver.fd(), Constants.SOL_SOCKET, 76,
                    arena.allocateFrom(ValueLayout.JAVA_INT, 1).address(), 4);
            assumeThat(result).isZero();
        }
    }

    /** How many of this process's descriptors are pidfds. */
    private record OpenPidfds(long count) {
        static OpenPidfds now() throws IOException {
            long count = 0;
            try (DirectoryStream<Path> descriptors = Files.newDirectoryStream(Path.of("/proc/self/fd"))) {
                for (Path descriptor : descriptors)
                    if (Files.isSymbolicLink(descriptor) && isPidfd(descriptor))
                        count++;
            }
            return new OpenPidfds(count);
        }

        private static boolean isPidfd(Path descriptor) {
            try {
                return Files.readSymbolicLink(descriptor).toString().contains("pidfd");
            } catch (IOException _) {
                return false; // closed meanwhile
            }
        }
    }

    @Test
    void composing_moves_a_descriptor_and_sending_closes_it_here() throws Exception {
        Fd fd = witness.open();
        channel.compose(1, 0, 0, fd, new byte[0]);
        assertThat(fd.isOpen()).isFalse();
        assertThat(witness.openDescriptors()).isEqualTo(1);
        channel.flush();
        // In the socket now, where no process has it.
        assertThat(witness.openDescriptors()).isZero();
        try (Imsg message = peer.receive()) {
            assertThat(witness.openDescriptors()).isEqualTo(1);
            assertThat(message.hasFd()).isTrue();
        }
        assertThat(witness.openDescriptors()).isZero();
    }

    @Test
    void every_way_to_compose_takes_a_descriptor() throws Exception {
        channel.compose(1, 0, 0, witness.open(), new byte[1]);
        channel.composev(2, 0, 0, witness.open(), MemorySegment.ofArray(new byte[2]));
        channel.composev(3, 0, 0, witness.open(), MemorySegment.ofArray(new byte[2]), MemorySegment.NULL);
        channel.composeIbuf(4, 0, 0, Ibuf.open(1).addN8(1).fdSet(witness.open()));
        channel.compose(channel.create(5, 0, 0, 0).fdSet(witness.open()));
        assertThat(channel.queuelen()).isEqualTo(5);
        channel.flush();
        for (int type = 1; type <= 5; type++) {
            try (Imsg message = peer.receive()) {
                assertThat(message.type()).isEqualTo(type);
                assertThat(message.hasFd()).isTrue();
            }
        }
        assertThat(witness.openDescriptors()).isZero();
    }

    @Test
    void a_descriptor_nobody_took_is_closed_after_the_handlers_call() throws Exception {
        channel.send(Imsg.of(1).withFd(witness.open()));
        channel.send(Imsg.of(2).withFd(witness.open()));
        List<Fd> taken = new ArrayList<>();
        while (taken.isEmpty())
            peer.read(message -> {
                assertThat(message.descriptor()).isEqualTo(DescriptorState.PRESENT);
                assertThat(witness.openDescriptors()).isEqualTo(1);
                if (message.type() == 2) {
                    taken.add(message.takeFd());
                    assertThat(message.takeFd()).isNull();
                    assertThat(message.descriptor()).isEqualTo(DescriptorState.TAKEN);
                }
            });
        assertThat(witness.openDescriptors()).isEqualTo(1);
        taken.getFirst().close();
        assertThat(witness.openDescriptors()).isZero();
    }

    @Test
    void a_received_descriptor_is_not_inherited_by_programs_this_one_starts() throws Exception {
        channel.send(Imsg.of(1).withFd(witness.open()));
        try (Imsg message = peer.receive(); Fd fd = message.takeFd()) {
            String flags = Files.readString(Path.of("/proc/self/fdinfo/" + fd.intValue())).lines()
                    .filter(line -> line.startsWith("flags:")).findFirst().orElseThrow();
            assertThat(Long.parseLong(flags.substring(6).trim(), 8) & 02000000).isNotZero();
        }
    }

    @Test
    void many_messages_keep_their_descriptors_and_their_order() throws Exception {
        int count = 300;
        for (int i = 0; i < count; i++) {
            Path file = Files.writeString(directory.resolve("file-" + i), Integer.toString(i));
            channel.compose(i, 0, 0, i % 5 == 3 || i % 7 == 1 ? null : Fd.open(file), new byte[i % 40]);
        }
        Call<Void> flushing = Call.start(Call.On.VIRTUAL, () -> {
            channel.flush();
            return null;
        });
        for (int i = 0; i < count; i++) {
            try (Imsg message = peer.receive()) {
                assertThat(message.type()).isEqualTo(i);
                assertThat(message.hasFd()).isEqualTo(i % 5 != 3 && i % 7 != 1);
                if (message.hasFd())
                    assertThat(firstBytes(message.takeFd())).isEqualTo(Integer.toString(i));
            }
        }
        flushing.result();
    }

    private static String firstBytes(Fd fd) throws Exception {
        try (FdChannel reader = new FdChannel(fd)) {
            ByteBuffer bytes = ByteBuffer.allocate(10);
            reader.read(bytes);
            return new String(bytes.array(), 0, bytes.position(), UTF_8);
        }
    }

    @Test
    void a_large_message_and_its_descriptor_arrive_together_though_the_socket_takes_it_in_parts() throws Exception {
        channel.format(WireFormat.MODERN).maxSize(3_000_000);
        peer.format(WireFormat.MODERN).maxSize(3_000_000);
        Call<Void> sending = Call.start(Call.On.PLATFORM, () -> {
            channel.send(Imsg.of(1, new byte[3_000_000]).withFd(witness.open()));
            channel.send(Imsg.of(2).withFd(witness.open()));
            return null;
        });
        for (int type = 1; type <= 2; type++) {
            try (Imsg message = peer.receive()) {
                assertThat(message.type()).isEqualTo(type);
                assertThat(message.hasFd()).isTrue();
            }
        }
        sending.result();
        assertThat(witness.openDescriptors()).isZero();
    }

    @Test
    void a_descriptor_that_was_closed_or_handed_on_is_refused_and_nothing_is_queued() throws Exception {
        Fd closed = witness.open();
        closed.close();
        assertThatIllegalStateException().isThrownBy(() -> channel.compose(1, 0, 0, closed, new byte[0]));
        assertThatIllegalStateException().isThrownBy(() -> Imsg.of(1).withFd(closed));
        assertThat(channel.queuelen()).isZero();
        channel.send(Imsg.of(2));
        assertThat(peer.receive().descriptor()).isEqualTo(DescriptorState.NONE);
    }

    @Test
    void a_payload_that_cannot_be_read_leaves_the_descriptor_with_the_caller() throws Exception {
        MemorySegment gone;
        try (Arena arena = Arena.ofConfined()) {
            gone = arena.allocate(8);
        }
        try (Fd fd = witness.open()) {
            assertThatIllegalStateException().isThrownBy(() -> channel.composev(1, 0, 0, fd, gone));
            assertThat(fd.isOpen()).isTrue();
        }
        channel.send(Imsg.of(2));
        assertThat(peer.receive().descriptor()).isEqualTo(DescriptorState.NONE);
        assertThat(witness.openDescriptors()).isZero();
    }

    @Test
    void a_queue_without_room_leaves_the_descriptor_with_the_caller() throws Exception {
        channel.maxQueued(20);
        try (Fd fd = witness.open()) {
            assertThatExceptionOfType(ImsgQueueFullException.class)
                    .isThrownBy(() -> channel.compose(1, 0, 0, fd, new byte[5]));
            assertThat(fd.isOpen()).isTrue();
            assertThatExceptionOfType(ImsgTooLargeException.class)
                    .isThrownBy(() -> channel.compose(1, 0, 0, fd, new byte[20000]));
            assertThat(fd.isOpen()).isTrue();
            channel.compose(1, 0, 0, fd, new byte[4]);
            assertThat(fd.isOpen()).isFalse();
        }
        channel.flush();
        peer.receive().close();
    }

    @Test
    void a_descriptor_closed_behind_our_back_costs_only_its_own_message() throws Exception {
        Fd real = witness.open();
        int number = real.release();
        channel.compose(1, 0, 0, new byte[10]);
        channel.compose(2, 0, 0, Fd.of(number), new byte[10]);
        channel.compose(3, 0, 0, witness.open(), new byte[10]);
        Fd.of(number).close();
        assertThatExceptionOfType(ErrnoException.class).isThrownBy(channel::flush).satisfies(e -> {
            assertThat(e.name()).isEqualTo("EBADF");
            assertThat(e.call()).isEqualTo("sendmsg");
        });
        assertThat(channel.queuelen()).isEqualTo(1);
        channel.flush();
        assertThat(peer.receive().type()).isEqualTo(1);
        try (Imsg message = peer.receive()) {
            assertThat(message.type()).isEqualTo(3);
            assertThat(message.hasFd()).isTrue();
        }
    }
}
