package org.imsg;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.FutureTask;
import org.imsg.unix.Fd;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A message by itself. */
@Timeout(60)
class ImsgTest {
    @Test
    void a_message_of_a_text_is_read_by_getStrbuf() {
        Imsg message = Imsg.of(1, "größer");
        assertThat(message.length()).isEqualTo(9);
        assertThat(message.getStrbuf(9)).isEqualTo("größer");
        assertThat(Imsg.of(1, "").payload()).containsExactly(0);
        assertThatIllegalArgumentException().isThrownBy(() -> Imsg.of(1, "two\0strings"));
    }

    @Test
    void a_string_field_ends_at_its_first_nul() {
        assertThat(Imsg.of(1, new byte[]{'a', 'b', 0, 'x', 'y', 'z', 'z', 'z'}).getStrbuf(8)).isEqualTo("ab");
        assertThatExceptionOfType(TruncatedMessageException.class)
                .isThrownBy(() -> Imsg.of(1, new byte[]{'a', 'b'}).getStrbuf(2));
    }

    @Test
    void two_threads_read_each_byte_once() throws Exception {
        byte[] payload = new byte[100_000];
        for (int i = 0; i < payload.length; i++)
            payload[i] = (byte) (i & 0x7f);
        Imsg message = Imsg.of(1, payload);
        Callable<Long> reader = () -> {
            long sum = 0;
            for (int i = 0; i < payload.length / 2; i++)
                sum += message.getBuf(1)[0];
            return sum;
        };
        long sum = 0;
        for (long half : together(reader, reader))
            sum += half;
        long expected = 0;
        for (byte each : payload)
            expected += each;
        assertThat(sum).isEqualTo(expected);
        assertThatExceptionOfType(TruncatedMessageException.class).isThrownBy(() -> message.getBuf(1));
    }

    @Test
    void of_two_threads_one_takes_the_descriptor(@TempDir Path directory) throws Exception {
        Witness witness = new Witness(directory);
        for (int round = 0; round < 1000; round++) {
            Imsg message = Imsg.of(1).withFd(witness.open());
            List<Fd> taken = together(message::takeFd, message::takeFd);
            assertThat(taken).containsOnlyOnce((Fd) null);
            taken.stream().filter(fd -> fd != null).forEach(Fd::close);
            message.close();
        }
        assertThat(witness.openDescriptors()).isZero();
    }

    private static <T> List<T> together(Callable<T> one, Callable<T> other) throws Exception {
        CyclicBarrier start = new CyclicBarrier(2);
        List<FutureTask<T>> tasks = new ArrayList<>();
        for (Callable<T> work : List.of(one, other)) {
            FutureTask<T> task = new FutureTask<>(() -> {
                start.await();
                return work.call();
            });
            tasks.add(task);
            Thread.ofPlatform().start(task);
        }
        List<T> results = new ArrayList<>();
        for (FutureTask<T> task : tasks)
            results.add(task.get());
        return results;
    }
}
