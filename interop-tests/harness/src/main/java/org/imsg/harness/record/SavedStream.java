package org.imsg.harness.record;

import java.io.IOException;
import java.io.InputStream;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;
import org.imsg.WireFormat;
import org.jspecify.annotations.Nullable;

/** One direction of a connection whose bytes were saved without anything else, read as they come. */
final class SavedStream implements EventSource {
    private final InputStream in;
    private final StreamDecoder decoder;
    private final byte[] chunk = new byte[1 << 16];
    private final Deque<Event> events = new ArrayDeque<>();
    private boolean ended;

    SavedStream(InputStream in, WireFormat format, int limit) {
        this.in = in;
        this.decoder = new StreamDecoder(1, Direction.TO_SERVER, format, limit);
    }

    @Override
    public Instant start() {
        return Instant.EPOCH;
    }

    @Override
    public @Nullable Event next() throws IOException {
        while (events.isEmpty() && !ended) {
            int count = in.read(chunk);
            ended = count < 0;
            events.addAll(ended ? decoder.end(0) : decoder.add(0, Arrays.copyOf(chunk, count), List.of()));
        }
        return events.poll();
    }
}
