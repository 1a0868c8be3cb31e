package org.imsg.bench.codec;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.TimeUnit;
import org.imsg.ImsgChannel;
import org.imsg.WireFormat;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/** Composing messages into a channel's queue, which is then dropped: what a sender pays besides the system call. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(value = 3, jvmArgsAppend = "--enable-native-access=ALL-UNNAMED")
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class EncodeBenchmark {
    private static final int MESSAGES = 256;

    /** Payload bytes. */
    @Param({"0", "64", "1024", "16368"})
    public int size;

    /** The wire format written. */
    @Param({"CLASSIC", "MODERN"})
    public WireFormat format;

    private ImsgChannel.Pair pair;
    private ImsgChannel channel;
    private byte[] array;
    private MemorySegment segment;

    /**
     * Connects a channel whose peer reads nothing.
     *
     * @throws IOException if it cannot
     */
    @Setup
    public void connect() throws IOException {
        pair = ImsgChannel.pair();
        channel = pair.first().format(format);
        array = new byte[size];
        segment = Arena.ofAuto().allocate(Math.max(1, size), 8).asSlice(0, size);
    }

    /**
     * Closes it.
     *
     * @throws IOException if it cannot
     */
    @TearDown
    public void close() throws IOException {
        pair.close();
    }

    /**
     * A payload in an array, the sending turn held for all of them.
     *
     * @throws IOException if the channel is closed
     */
    @Benchmark
    @OperationsPerInvocation(MESSAGES)
    public void array() throws IOException {
        try (ImsgChannel.Batch _ = channel.batch()) {
            for (int i = 0; i < MESSAGES; i++)
                channel.compose(1, i, 0, array);
            channel.clear();
        }
    }

    /**
     * A payload in an array, each message with a turn of its own.
     *
     * @throws IOException if the channel is closed
     */
    @Benchmark
    @OperationsPerInvocation(MESSAGES)
    public void arrayWithoutBatch() throws IOException {
        for (int i = 0; i < MESSAGES; i++)
            channel.compose(1, i, 0, array);
        channel.clear();
    }

    /**
     * A payload outside the heap, the sending turn held for all of them.
     *
     * @throws IOException if the channel is closed
     */
    @Benchmark
    @OperationsPerInvocation(MESSAGES)
    public void segment() throws IOException {
        try (ImsgChannel.Batch _ = channel.batch()) {
            for (int i = 0; i < MESSAGES; i++)
                channel.composev(1, i, 0, segment);
            channel.clear();
        }
    }
}
