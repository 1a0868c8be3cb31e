package org.imsg.bench;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/**
 * Pairs of processes, one of each contender, that send each other the same.
 *
 * @param name as it appears in results
 * @param load what is sent
 * @param roundTrips whether one message goes there and back at a time; else messages go one way
 * @param intervalNanos from one ping to the next; 0 for as fast as they come back
 * @param pinning where both ends run
 * @param contenders who takes part
 */
public record ContenderGroup(String name, Load load, boolean roundTrips, long intervalNanos, Pinning pinning,
        List<Contender> contenders) implements Measurement {
    /** Whether Netty is among the contenders. */
    boolean hasEventLoops() {
        return contenders.stream().anyMatch(contender -> contender.name().startsWith("netty"));
    }

    @Override
    public String sent() {
        return load.toString();
    }

    @Override
    public String where() {
        return pinning.toString();
    }

    @Override
    public Map<String, Series> measure(Effort effort, Path scratch, Consumer<String> progress) throws IOException {
        return new GroupRun(this, effort, scratch, progress).run();
    }
}
