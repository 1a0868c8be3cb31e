package org.imsg.bench.soak;

import java.io.IOException;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Waits until the parts hold no more than in any silence before, and the same for a while; or until its patience is over. */
final class Silence {
    private static final long PAUSE_MILLIS = 50;
    /** A busy machine takes some seconds to start a spare. */
    private static final Duration PATIENCE = Duration.ofSeconds(45);

    private final List<Watched> parts;
    private final Duration still;
    private final Map<Watched, Counts> least = new HashMap<>();

    Silence(List<Watched> parts, Duration still) {
        this.parts = parts;
        this.still = still;
    }

    /** No collection of garbage comes before: it would close what was forgotten. */
    Map<Watched, Counts> await() throws IOException, InterruptedException {
        long start = System.nanoTime();
        long since = start;
        for (Map<Watched, Counts> before = Map.of();; Thread.sleep(PAUSE_MILLIS)) {
            Map<Watched, Counts> now = new HashMap<>();
            for (Watched part : parts)
                now.put(part, part.counts());
            long time = System.nanoTime();
            if (!now.equals(before))
                since = time;
            before = now;
            boolean rest = time - since >= still.toNanos()
                    && now.entrySet().stream()
                            .allMatch(part -> part.getValue()
                                    .isWithin(least.getOrDefault(part.getKey(), part.getValue())));
            if (rest || time - start > PATIENCE.toNanos()) {
                now.forEach((part, counts) -> least.merge(part, counts, Counts::least));
                return now;
            }
        }
    }
}
