package org.imsg.bench.codec;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.concurrent.TimeUnit;
import org.imsg.bench.worker.Tick;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/** A struct of 64 bytes in memory: read into a record, written from one, and its numbers read by hand for comparison. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(value = 3, jvmArgsAppend = "--enable-native-access=ALL-UNNAMED")
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class StructBenchmark {
    private final MemorySegment memory = Arena.ofAuto().allocate(Tick.STRUCT.size(), 8);
    private Tick tick;

    /** Fills the memory. */
    @Setup
    public void fill() {
        tick = Tick.sample();
        Tick.STRUCT.write(tick, memory, 0);
    }

    /**
     * The record, its name a new string.
     *
     * @return the record
     */
    @Benchmark
    public Tick read() {
        return Tick.STRUCT.read(memory);
    }

    /** The struct. */
    @Benchmark
    public void write() {
        Tick.STRUCT.write(tick, memory, 0);
    }

    /**
     * Its numbers alone, without a record or a string.
     *
     * @return their sum
     */
    @Benchmark
    public long numbersByHand() {
        return memory.get(ValueLayout.JAVA_BYTE, 0) + memory.get(ValueLayout.JAVA_SHORT, 2)
                + memory.get(ValueLayout.JAVA_INT, 4) + memory.get(ValueLayout.JAVA_LONG, 8)
                + memory.get(ValueLayout.JAVA_LONG, 16) + memory.get(ValueLayout.JAVA_LONG, 24);
    }
}
