package org.imsg.unix;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.net.SocketTimeoutException;
import java.nio.ByteBuffer;
import java.nio.channels.AsynchronousCloseException;
import java.nio.channels.ClosedByInterruptException;
import java.nio.channels.ClosedChannelException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.imsg.testing.Call;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(60)
class FdChannelTest {
    @TempDir
    Path directory;

    private static ByteBuffer bytes(String text) {
        return ByteBuffer.wrap(text.getBytes(UTF_8));
    }

    private static ByteBuffer direct(byte[] content) {
        return ByteBuffer.allocateDirect(content.length).put(content).flip();
    }

    private static String text(ByteBuffer read) {
        return UTF_8.decode(read.flip()).toString();
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void a_file_is_written_and_read_back_through_any_buffer(boolean directBuffers) throws Exception {
        byte[] content = new byte[200_000];
        new Random(1).nextBytes(content);
        Path file = directory.resolve("file");
        try (FdChannel out = new FdChannel(Fd.open(file, OpenFlag.WRITE, OpenFlag.CREATE_NEW))) {
            ByteBuffer source = directBuffers ? direct(content) : ByteBuffer.wrap(content);
            source.position(5);
            assertThat(out.write(source)).isEqualTo(199_995);
            assertThat(source.hasRemaining()).isFalse();
        }
        assertThat(Files.readAllBytes(file)).isEqualTo(Arrays.copyOfRange(content, 5, content.length));
        try (FdChannel in = new FdChannel(Fd.open(file))) {
            ByteBuffer target = directBuffers ? ByteBuffer.allocateDirect(200_000) : ByteBuffer.allocate(200_000);
            target.put(content, 0, 5);
            int total = 0;
            for (int n; (n = in.read(target)) > 0;)
                total += n;
            assertThat(total).isEqualTo(199_995);
            byte[] read = new byte[200_000];
            target.flip().get(read);
            assertThat(read).isEqualTo(content);
        }
    }

    @Test
    void the_end_is_minus_one_and_a_full_buffer_reads_nothing() throws Exception {
        try (FdChannel in = new FdChannel(Fd.open(Files.writeString(directory.resolve("file"), "1")))) {
            assertThat(in.read(ByteBuffer.allocate(0))).isZero();
            assertThat(in.read(ByteBuffer.allocate(9))).isEqualTo(1);
            assertThat(in.read(ByteBuffer.allocate(9))).isEqualTo(-1);
        }
    }

    @Test
    void a_place_in_a_file_is_read_and_written_without_moving_its_position() throws Exception {
        Path file = Files.writeString(directory.resolve("file"), "0123456789");
        try (FdChannel channel = new FdChannel(Fd.open(file, OpenFlag.READ_WRITE))) {
            ByteBuffer three = ByteBuffer.allocate(3);
            assertThat(channel.read(three, 7)).isEqualTo(3);
            assertThat(text(three)).isEqualTo("789");
            assertThat(channel.write(bytes("ABC"), 8)).isEqualTo(3);
            assertThat(channel.read(three.clear())).isEqualTo(3);
            assertThat(text(three)).isEqualTo("012");
            assertThat(channel.read(three.clear(), 100)).isEqualTo(-1);
            byte[] large = new byte[200_000];
            Arrays.fill(large, (byte) 'x');
            assertThat(channel.write(ByteBuffer.wrap(large), 11)).isEqualTo(large.length);
        }
        assertThat(Files.size(file)).isEqualTo(200_011);
        assertThat(Files.readString(file)).startsWith("01234567ABCxxx").endsWith("xxx");
    }

    @Test
    void what_has_no_places_says_so_at_once() throws Exception {
        try (Fd.Pair pipe = Fd.pipe();
                FdChannel in = new FdChannel(pipe.first());
                FdChannel out = new FdChannel(pipe.second())) {
            assertThatExceptionOfType(ErrnoException.class).isThrownBy(() -> in.read(ByteBuffer.allocate(1), 0))
                    .satisfies(e -> assertThat(e.name()).isEqualTo("ESPIPE"));
            assertThatExceptionOfType(ErrnoException.class).isThrownBy(() -> out.write(bytes("x"), 0))
                    .satisfies(e -> assertThat(e.name()).isEqualTo("ESPIPE"));
        }
    }

    @ParameterizedTest
    @EnumSource
    void a_pipe_carries_more_than_it_holds_from_thread_to_thread(Call.On kind) throws Exception {
        byte[] content = new byte[1_000_000];
        new Random(2).nextBytes(content);
        try (Fd.Pair pipe = Fd.pipe(); FdChannel in = new FdChannel(pipe.first())) {
            FdChannel out = new FdChannel(pipe.second());
            Call<Integer> writing = Call.start(kind, () -> {
                try (out) {
                    return out.write(ByteBuffer.wrap(content));
                }
            });
            ByteBuffer read = ByteBuffer.allocate(content.length + 1);
            while (in.read(read) > 0) {
                // until the writer has closed its end
            }
            assertThat(writing.result()).isEqualTo(content.length);
            assertThat(Arrays.copyOf(read.array(), read.position())).isEqualTo(content);
        }
    }

    @ParameterizedTest
    @EnumSource
    void a_wait_ends_when_its_time_is_over_and_the_channel_goes_on(Call.On kind) throws Exception {
        try (Fd.Pair pipe = Fd.pipe();
                FdChannel reader = new FdChannel(pipe.first()).timeout(Duration.ofMillis(20));
                FdChannel writer = new FdChannel(pipe.second()).timeout(Duration.ofMillis(20))) {
            Call.start(kind, () -> {
                assertThatExceptionOfType(SocketTimeoutException.class)
                        .isThrownBy(() -> reader.read(ByteBuffer.allocate(1))).withMessageEndingWith("for 20 ms");
                ByteBuffer much = ByteBuffer.allocate(1_000_000);
                assertThatExceptionOfType(SocketTimeoutException.class).isThrownBy(() -> writer.write(much))
                        .withMessageStartingWith("write(").withMessageEndingWith("for 20 ms");
                ByteBuffer read = ByteBuffer.allocate(1_000_000);
                while (read.position() < much.position())
                    reader.read(read);
                return null;
            }).result();
        }
    }

    @Test
    void a_writer_learns_that_nobody_reads_any_more() throws Exception {
        try (Fd.Pair pipe = Fd.pipe(); FdChannel out = new FdChannel(pipe.second())) {
            pipe.first().close();
            assertThatExceptionOfType(ErrnoException.class).isThrownBy(() -> out.write(bytes("x")))
                    .satisfies(e -> assertThat(e.name()).isEqualTo("EPIPE"));
        }
    }

    @Test
    void a_reset_is_told_by_every_read_behind_what_arrived_before_it() throws Exception {
        for (boolean writingFirst : new boolean[]{false, true})
            try (Fd.Pair pair = Fd.socketpair(); FdChannel here = new FdChannel(pair.first())) {
                here.write(bytes("not read"));
                try (FdChannel there = new FdChannel(pair.second())) {
                    there.write(bytes("x"));
                }
                if (writingFirst)
                    assertFailsWith("EPIPE", () -> here.write(bytes("y")));
                assertThat(here.read(ByteBuffer.allocate(10))).isEqualTo(1);
                for (int i = 0; i < 3; i++)
                    assertFailsWith("ECONNRESET", () -> here.read(ByteBuffer.allocate(10)));
            }
    }

    @ParameterizedTest
    @EnumSource
    void an_end_that_is_not_open_for_a_call_refuses_it_and_does_not_wait(Call.On kind) throws Exception {
        try (Fd.Pair pipe = Fd.pipe();
                FdChannel in = new FdChannel(pipe.first());
                FdChannel out = new FdChannel(pipe.second())) {
            for (Call<Integer> call : List.<Call<Integer>>of(
                    Call.start(kind, () -> in.write(bytes("x"))),
                    Call.start(kind, () -> out.read(ByteBuffer.allocate(1)))))
                assertThat(call.failure()).isInstanceOfSatisfying(ErrnoException.class,
                        e -> assertThat(e.name()).isEqualTo("EBADF"));
        }
    }

    @ParameterizedTest
    @EnumSource
    void an_interrupt_is_not_noticed_by_a_call_that_need_not_wait(Call.On kind) throws Exception {
        try (Fd.Pair pipe = Fd.pipe();
                FdChannel in = new FdChannel(pipe.first());
                FdChannel out = new FdChannel(pipe.second());
                FdChannel file = new FdChannel(Fd.open(directory.resolve("f"), OpenFlag.READ_WRITE, OpenFlag.CREATE))) {
            assertThat(Call.start(kind, () -> {
                Thread.currentThread().interrupt();
                out.write(bytes("xy"));
                in.read(ByteBuffer.allocate(1));
                file.write(bytes("x"));
                file.read(ByteBuffer.allocate(1), 0);
                return Thread.interrupted();
            }).result()).isTrue();
            assertThat(in.read(ByteBuffer.allocate(2))).isEqualTo(1);
        }
    }

    private static void assertFailsWith(String name, Call.Failing call) {
        assertThatExceptionOfType(ErrnoException.class).isThrownBy(call::run)
                .satisfies(e -> assertThat(e.name()).isEqualTo(name));
    }

    @Test
    void a_read_only_buffer_can_be_written_from_and_not_read_into() throws Exception {
        try (Fd.Pair pipe = Fd.pipe();
                FdChannel in = new FdChannel(pipe.first());
                FdChannel out = new FdChannel(pipe.second())) {
            out.write(bytes("heap ").asReadOnlyBuffer());
            out.write(direct("direct".getBytes(UTF_8)).asReadOnlyBuffer());
            ByteBuffer heap = ByteBuffer.allocate(11);
            ByteBuffer outside = direct("untouched".getBytes(UTF_8));
            assertThatIllegalArgumentException().isThrownBy(() -> in.read(heap.asReadOnlyBuffer()));
            assertThatIllegalArgumentException().isThrownBy(() -> in.read(outside.asReadOnlyBuffer()));
            assertThat(text(outside.position(9))).isEqualTo("untouched");
            in.read(heap);
            assertThat(text(heap)).isEqualTo("heap direct");
        }
    }

    /** A pipe whose one end is under test, empty for reading and full for writing, so that both have to wait. */
    private enum Blocked {
        READ, WRITE;

        FdChannel channel(Fd.Pair pipe) throws IOException {
            if (this == READ)
                return new FdChannel(pipe.first());
            return new FdChannel(pipe.second());
        }

        int call(FdChannel channel) throws IOException {
            return this == READ ? channel.read(ByteBuffer.allocate(10)) : channel.write(ByteBuffer.allocate(1 << 24));
        }
    }

    @ParameterizedTest
    @EnumSource
    void closing_from_another_thread_ends_a_wait(Blocked blocked) throws Exception {
        for (Call.On kind : Call.On.values())
            try (Fd.Pair pipe = Fd.pipe()) {
                FdChannel channel = blocked.channel(pipe);
                Call<Integer> waiting = Call.start(kind, () -> blocked.call(channel));
                waiting.awaitWaiting();
                channel.close();
                assertThat(waiting.failure()).isExactlyInstanceOf(AsynchronousCloseException.class);
            }
    }

    @ParameterizedTest
    @EnumSource
    void an_interrupt_ends_a_wait_and_closes_the_channel(Blocked blocked) throws Exception {
        for (Call.On kind : Call.On.values())
            try (Fd.Pair pipe = Fd.pipe()) {
                FdChannel channel = blocked.channel(pipe);
                Call<Integer> waiting = Call.start(kind, () -> blocked.call(channel));
                waiting.awaitWaiting();
                waiting.thread().interrupt();
                assertThat(waiting.failure()).isExactlyInstanceOf(ClosedByInterruptException.class);
                assertThat(channel.isOpen()).isFalse();
            }
    }

    @ParameterizedTest
    @EnumSource
    void closing_or_interrupting_at_any_moment_ends_a_read_of_a_pipe(Call.On kind) throws Exception {
        for (int i = 0; i < 1000; i++)
            try (Fd.Pair pipe = Fd.pipe()) {
                FdChannel channel = new FdChannel(pipe.first());
                Call<Integer> reading = Call.start(kind, () -> channel.read(ByteBuffer.allocate(1)));
                for (int n = i % 50; n > 0; n--)
                    Thread.onSpinWait();
                if (i % 2 == 0)
                    channel.close();
                else
                    reading.thread().interrupt();
                assertThat(reading.failure()).isInstanceOf(ClosedChannelException.class);
            }
    }

    @Test
    void a_socket_can_be_read_while_another_thread_writes_to_it() throws Exception {
        try (Fd.Pair pair = Fd.socketpair();
                FdChannel one = new FdChannel(pair.first());
                FdChannel other = new FdChannel(pair.second())) {
            Call<Integer> reading = Call.start(Call.On.VIRTUAL, () -> one.read(ByteBuffer.allocate(10)));
            reading.awaitWaiting();
            one.write(bytes("request"));
            ByteBuffer request = ByteBuffer.allocate(100);
            other.read(request);
            assertThat(text(request)).isEqualTo("request");
            other.write(bytes("reply"));
            assertThat(reading.result()).isEqualTo(5);
        }
    }

    @Test
    void the_channel_owns_its_descriptor_and_gives_duplicates() throws Exception {
        Fd fd = Fd.open(Path.of("/dev/null"), OpenFlag.READ_WRITE);
        FdChannel channel = new FdChannel(fd);
        assertThat(fd.isOpen()).isFalse();
        assertThat(channel.write(bytes("nowhere"))).isEqualTo(7);
        assertThat(channel.read(ByteBuffer.allocate(1))).isEqualTo(-1);
        try (FdChannel duplicate = new FdChannel(channel.dup())) {
            channel.close();
            assertThat(duplicate.write(bytes("nowhere"))).isEqualTo(7);
        }
        assertThatExceptionOfType(ClosedChannelException.class).isThrownBy(channel::dup);
        assertThatIllegalStateException().isThrownBy(() -> new FdChannel(fd));
    }

    @Test
    void a_closed_channel_is_refused_even_for_nothing() throws Exception {
        FdChannel channel = new FdChannel(Fd.open(Path.of("/dev/null"), OpenFlag.READ_WRITE));
        channel.close();
        channel.close();
        for (int size : new int[]{0, 1}) {
            assertThatExceptionOfType(ClosedChannelException.class)
                    .isThrownBy(() -> channel.read(ByteBuffer.allocate(size)));
            assertThatExceptionOfType(ClosedChannelException.class)
                    .isThrownBy(() -> channel.write(ByteBuffer.allocate(size)));
        }
    }

    @Test
    void a_directory_cannot_be_read() throws Exception {
        try (FdChannel channel = new FdChannel(Fd.open(directory))) {
            assertThatExceptionOfType(ErrnoException.class).isThrownBy(() -> channel.read(ByteBuffer.allocate(1)))
                    .satisfies(e -> assertThat(e.name()).isEqualTo("EISDIR"));
        }
    }

    @Test
    void memory_that_was_freed_is_refused_before_anything_is_read_or_written() throws Exception {
        ByteBuffer freed;
        try (Arena arena = Arena.ofShared()) {
            freed = arena.allocate(100).asByteBuffer();
        }
        Fd.Pair pipe = Fd.pipe();
        try (FdChannel in = new FdChannel(pipe.first()); FdChannel out = new FdChannel(pipe.second())) {
            assertThatIllegalStateException().isThrownBy(() -> out.write(freed));
            out.write(bytes("kept"));
            assertThatIllegalStateException().isThrownBy(() -> in.read(freed));
            ByteBuffer target = ByteBuffer.allocate(10);
            in.read(target);
            assertThat(text(target)).isEqualTo("kept");
        }
    }

    @Test
    void memory_freed_during_a_wait_is_not_read_into() throws Exception {
        Fd.Pair pipe = Fd.pipe();
        try (FdChannel in = new FdChannel(pipe.first()); FdChannel out = new FdChannel(pipe.second())) {
            Call<Integer> reading;
            try (Arena arena = Arena.ofShared()) {
                ByteBuffer target = arena.allocate(100).asByteBuffer();
                reading = Call.start(Call.On.PLATFORM, () -> in.read(target)).awaitWaiting();
            }
            out.write(bytes("nowhere"));
            assertThat(reading.failure()).isInstanceOf(IllegalStateException.class);
        }
    }
}
