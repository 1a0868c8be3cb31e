package org.imsg.bench.codec;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.concurrent.TimeUnit;
import org.imsg.WireFormat;
import org.imsg.wire.Dialect;
import org.imsg.wire.Framer;
import org.imsg.wire.ImsgHeader;
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
import org.openjdk.jmh.annotations.Warmup;
import org.openjdk.jmh.infra.Blackhole;

/** Finding the messages in memory that a read filled, and looking at each: what a reader pays besides the system call. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(value = 3, jvmArgsAppend = "--enable-native-access=ALL-UNNAMED")
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class DecodeBenchmark {
    private static final int MESSAGES = 256;

    /** Payload bytes. */
    @Param({"0", "64", "1024", "16368"})
    public int size;

    /** The wire format read; AUTO is what a channel does unless told. */
    @Param({"CLASSIC", "MODERN", "AUTO"})
    public WireFormat format;

    private MemorySegment memory;
    private Framer framer;

    /** Fills the memory. */
    @Setup
    public void fill() {
        int length = ImsgHeader.SIZE + size;
        memory = Arena.ofAuto().allocate((long) MESSAGES * length, 8);
        Dialect read = Dialect.valueOf(format.name());
        Dialect written = read == Dialect.AUTO ? Dialect.MODERN : read;
        for (int i = 0; i < MESSAGES; i++)
            ImsgHeader.write(memory, (long) i * length, written, 1, length, false, i, 1);
        framer = new Framer(read, 16384, _ -> {});
    }

    /**
     * In place: the headers, and the payload's first byte.
     *
     * @param blackhole takes what was seen
     */
    @Benchmark
    @OperationsPerInvocation(MESSAGES)
    public void view(Blackhole blackhole) {
        int end = (int) memory.byteSize();
        framer.arrived(end, -1, false);
        long sum = 0;
        for (int at = 0; at < end;) {
            int length = framer.next(memory, at, end - at);
            sum += ImsgHeader.peerid(memory, at) + framer.descriptor();
            if (length > ImsgHeader.SIZE)
                sum += memory.get(ValueLayout.JAVA_BYTE, at + ImsgHeader.SIZE);
            at += length;
        }
        blackhole.consume(sum);
    }

    /**
     * Copied to the heap, an array a message.
     *
     * @param blackhole takes the arrays
     */
    @Benchmark
    @OperationsPerInvocation(MESSAGES)
    public void heapCopy(Blackhole blackhole) {
        int end = (int) memory.byteSize();
        framer.arrived(end, -1, false);
        for (int at = 0; at < end;) {
            int length = framer.next(memory, at, end - at);
            byte[] payload = new byte[length - ImsgHeader.SIZE];
            MemorySegment.copy(memory, ValueLayout.JAVA_BYTE, at + ImsgHeader.SIZE, payload, 0, payload.length);
            blackhole.consume(payload);
            at += length;
        }
    }
}
