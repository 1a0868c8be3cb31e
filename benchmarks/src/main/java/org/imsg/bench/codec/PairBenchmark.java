package org.imsg.bench.codec;

import java.io.IOException;
import java.util.concurrent.TimeUnit;
import org.imsg.Imsg;
import org.imsg.ImsgChannel;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * A batch through a socketpair and out again, by one thread: both directions' whole path with its system calls, and no
 * scheduler in the way. The time is a batch's; batches that the socket's buffer does not hold are left out.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(value = 3, jvmArgsAppend = "--enable-native-access=ALL-UNNAMED")
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class PairBenchmark {
    /** Payload bytes and messages of a batch. */
    @Param({"16x1", "16x16", "16x256", "64x1", "64x16", "64x256", "256x1", "256x16", "256x256", "1024x1", "1024x16",
            "4096x1", "4096x16", "16368x1"})
    public String batch;

    private int size;
    private int messages;
    private ImsgChannel.Pair pair;
    private byte[] payload;
    private long seen;

    /**
     * Connects.
     *
     * @throws IOException if it cannot
     */
    @Setup
    public void connect() throws IOException {
        String[] parts = batch.split("x");
        size = Integer.parseInt(parts[0]);
        messages = Integer.parseInt(parts[1]);
        pair = ImsgChannel.pair();
        payload = new byte[size];
    }

    /**
     * Disconnects.
     *
     * @throws IOException if it cannot
     */
    @TearDown
    public void close() throws IOException {
        pair.close();
    }

    /**
     * compose, one flush, and views.
     *
     * @return how many bytes arrived
     * @throws IOException if anything fails
     */
    @Benchmark
    public long views() throws IOException {
        for (int i = 0; i < messages; i++)
            pair.first().compose(1, i, 0, payload);
        pair.first().flush();
        for (int received = 0; received < messages;)
            received += pair.second().read(message -> seen += message.length());
        return seen;
    }

    /**
     * The simple path: send and receive, a system call a message.
     *
     * @return how many bytes arrived
     * @throws IOException if anything fails
     */
    @Benchmark
    public long simple() throws IOException {
        for (int i = 0; i < messages; i++)
            pair.first().send(Imsg.of(1, payload));
        for (int i = 0; i < messages; i++)
            seen += pair.second().receive().length();
        return seen;
    }
}
