package org.imsg.unix;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.AsynchronousCloseException;
import java.util.ArrayList;
import java.util.List;
import org.imsg.testing.Call;
import org.imsg.testing.ChildJvm;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Threads that wait, and descriptors that others share or that there are none of. */
@Timeout(60)
class WaitingTest {
    /** More than wait in poll(2) at once. */
    private static final int MANY = 150;

    private static int read(FdChannel channel) throws IOException {
        return channel.read(ByteBuffer.allocate(1));
    }

    @ParameterizedTest
    @EnumSource
    void closing_a_channel_that_a_thread_waits_in_leaves_the_connection_to_other_holders(Call.On kind)
            throws Exception {
        try (Fd.Pair pair = Fd.socketpair();
                FdChannel other = new FdChannel(pair.first().dup());
                FdChannel peer = new FdChannel(pair.second())) {
            FdChannel closed = new FdChannel(pair.first());
            Call<Integer> waiting = Call.start(kind, () -> read(closed)).awaitWaiting();
            closed.close();
            assertThat(waiting.failure()).isExactlyInstanceOf(AsynchronousCloseException.class);
            other.write(ByteBuffer.allocate(1));
            assertThat(read(peer)).isEqualTo(1);
            peer.write(ByteBuffer.allocate(1));
            assertThat(read(other)).isEqualTo(1);
        }
    }

    @Test
    void any_number_of_platform_threads_wait_and_each_is_woken_for_its_own_descriptor() throws Exception {
        List<Fd.Pair> pipes = new ArrayList<>();
        List<FdChannel> channels = new ArrayList<>();
        try {
            List<Call<Integer>> calls = new ArrayList<>();
            for (int i = 0; i < MANY; i++) {
                Fd.Pair pipe = Fd.pipe();
                pipes.add(pipe);
                FdChannel reader = new FdChannel(pipe.first());
                channels.add(reader);
                calls.add(Call.start(Call.On.PLATFORM, () -> read(reader)));
            }
            for (Call<Integer> call : calls)
                call.awaitWaiting();
            for (int i = 0; i < MANY; i += 2)
                channels.get(i).close();
            for (int i = 0; i < MANY; i += 2)
                assertThat(calls.get(i).failure()).isExactlyInstanceOf(AsynchronousCloseException.class);
            for (int i = 1; i < MANY; i += 2) {
                try (FdChannel writer = new FdChannel(pipes.get(i).second())) {
                    writer.write(ByteBuffer.allocate(1));
                }
                assertThat(calls.get(i).result()).isEqualTo(1);
            }
        } finally {
            for (FdChannel channel : channels)
                channel.close();
            pipes.forEach(Fd.Pair::close);
        }
    }

    @Test
    void a_full_descriptor_table_at_the_first_wait_is_an_exception_of_a_virtual_thread_and_passes() throws Exception {
        String output = new ChildJvm().option("-Xms32m").option("-Xmx32m").option("-XX:+AlwaysPreTouch")
                .mostDescriptors(100).run(WaitsWithoutDescriptors.class);
        assertThat(output.lines()).containsExactly("EMFILE", "virtual: EMFILE", "platform: 1", "grown by 16 MiB: false",
                "virtual, with descriptors again: 1", "closed: AsynchronousCloseException");
    }
}
