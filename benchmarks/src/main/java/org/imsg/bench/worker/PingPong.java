package org.imsg.bench.worker;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;

/** Round trips of one message, each timed. */
final class PingPong {
    private final WorkerTransport transport;
    private final Path file;
    private int[] samples = {};

    PingPong(WorkerTransport transport, Path file) {
        this.transport = transport;
        this.file = file;
    }

    /**
     * With an interval, time counts from when the ping should have gone: a late answer delays those behind it, too, and shows
     * in theirs (leaving them out is known as coordinated omission).
     */
    void ping(int count, long intervalNanos) throws IOException {
        if (samples.length < count)
            samples = new int[count];
        long start = System.nanoTime();
        for (int i = 0; i < count; i++) {
            long begin = System.nanoTime();
            if (intervalNanos > 0) {
                long due = start + i * intervalNanos;
                while (begin < due)
                    begin = System.nanoTime();
                begin = due;
            }
            transport.send(1);
            transport.receive(1);
            samples[i] = (int) Math.min(Integer.MAX_VALUE, System.nanoTime() - begin);
        }
    }

    void pong(long count) throws IOException {
        for (long i = 0; i < count; i++) {
            transport.receive(1);
            transport.send(1);
        }
    }

    /** Writes the times of the last so many pings. */
    void save(int count) throws IOException {
        ByteBuffer bytes = ByteBuffer.allocate(4 * count).order(ByteOrder.nativeOrder());
        bytes.asIntBuffer().put(Arrays.copyOf(samples, count));
        Files.write(file, bytes.array());
    }
}
