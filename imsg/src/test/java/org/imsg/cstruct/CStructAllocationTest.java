package org.imsg.cstruct;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandles;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.util.function.Supplier;

import org.imsg.Ibuf;
import org.junit.jupiter.api.Test;

/** Reading allocates the record, its arrays and strings, and not one byte more, whatever the JIT compiler can remove. */
class CStructAllocationTest {
    record Neighbor(@CString(32) String descr, @U32 long remoteAs, @NetworkOrder @U16 int port, Timer first,
            @ArrayOf(3) Timer[] timers, @Bytes(16) byte[] address, boolean up, double weight,
            @FlexibleArray @U32 long[] path) {}

    record Timer(@U32 long type, @TimeT long left) {}

    private static final CStruct<Neighbor> NEIGHBOR = CStruct.of(Neighbor.class, CAbi.host(), MethodHandles.lookup());
    private static final byte[] DESCR = "upstream".getBytes(StandardCharsets.US_ASCII);
    private static final int ROUNDS = 20_000;

    private Neighbor kept;

    @Test
    void a_read_from_native_memory_allocates_what_the_record_needs() {
        try (Arena arena = Arena.ofConfined()) {
            byte[] bytes = NEIGHBOR.toBytes(byHand());
            MemorySegment memory = arena.allocate(bytes.length);
            memory.copyFrom(MemorySegment.ofArray(bytes));
            assertThat(bytesARound(() -> NEIGHBOR.read(memory, 0, bytes.length)))
                    .isEqualTo(bytesARound(CStructAllocationTest::byHand));
        }
    }

    @Test
    void a_read_from_a_buffer_allocates_what_the_record_needs() {
        Ibuf buffer = Ibuf.fromBuffer(NEIGHBOR.toBytes(byHand()));
        assertThat(bytesARound(() -> buffer.rewind().get(NEIGHBOR)))
                .isEqualTo(bytesARound(CStructAllocationTest::byHand));
        assertThat(kept).usingRecursiveComparison().isEqualTo(byHand());
    }

    /** The same record as a read makes. */
    private static Neighbor byHand() {
        return new Neighbor(new String(DESCR, 0, DESCR.length, StandardCharsets.UTF_8), 65002, 179, new Timer(1, 2),
                new Timer[]{new Timer(3, 4), new Timer(5, 6), new Timer(7, 8)}, new byte[16], true, 1.5,
                new long[]{65001, 65002});
    }

    private double bytesARound(Supplier<Neighbor> work) {
        com.sun.management.ThreadMXBean threads = (com.sun.management.ThreadMXBean) ManagementFactory
                .getThreadMXBean();
        long least = Long.MAX_VALUE;
        for (int attempt = 0; attempt < 5; attempt++) { // the first ones warm up
            long before = threads.getCurrentThreadAllocatedBytes();
            for (int i = 0; i < ROUNDS; i++)
                kept = work.get();
            least = Math.min(least, threads.getCurrentThreadAllocatedBytes() - before);
        }
        return Math.round(least * 10.0 / ROUNDS) / 10.0;
    }
}
