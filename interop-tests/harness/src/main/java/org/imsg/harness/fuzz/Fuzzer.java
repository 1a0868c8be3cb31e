package org.imsg.harness.fuzz;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.function.LongConsumer;
import org.imsg.harness.describe.ProtocolDescription;
import org.imsg.harness.record.Direction;
import org.imsg.harness.record.Event;
import org.imsg.harness.record.Recording;

/**
 * Says to a daemon what a client said, changed a little each time, until the daemon is not well any more: it cannot be connected to,
 * does not answer a request that it answered before, or sends what is no message. The same seed makes the same attempts.
 */
public final class Fuzzer {
    private final FuzzTarget target;
    private final List<Event> seeds;
    private final ProtocolDescription protocol;
    private final long seed;

    /**
     * A fuzzer.
     *
     * @param socket the daemon's socket
     * @param exchange what a client says; its first message is also the request by which one sees whether the daemon is
     *     well
     * @param protocol structs whose fields are changed, too; {@link ProtocolDescription#NONE} if there are none
     * @param patience how long a daemon that is well may take to answer
     * @param restart starts the daemon anew, which is needed to shrink a finding; null if that cannot be done
     * @param seed of the random numbers
     * @throws IllegalArgumentException if no message goes to the server in the exchange
     */
    public Fuzzer(Path socket, Recording exchange, ProtocolDescription protocol, Duration patience, Restart restart,
            long seed) {
        this.seeds = exchange.events().stream()
                .filter(event -> event.direction() == Direction.TO_SERVER && event.kind() != Event.Kind.END)
                .map(event -> event.at(0, 1)).toList();
        Event request = seeds.stream().filter(Event::isMessage).findFirst().orElseThrow(
                () -> new IllegalArgumentException("there is no message to the server in the exchange"));
        this.target = new FuzzTarget(socket, request, patience, restart);
        this.protocol = protocol;
        this.seed = seed;
    }

    /**
     * Fuzzes until something is found, or the time or the attempts are used up.
     *
     * @param time how long at most
     * @param mostAttempts how many attempts at most
     * @param progress is told the number of each attempt before it is made
     * @return what was found
     * @throws IOException if the daemon cannot be connected to at the beginning, or cannot be started again
     * @throws InterruptedException if the thread is interrupted
     */
    public Optional<Finding> run(Duration time, long mostAttempts, LongConsumer progress)
            throws IOException, InterruptedException {
        target.examine();
        Mutator mutator = new Mutator(new SplittableRandom(seed), protocol, seeds);
        long deadline = System.nanoTime() + time.toNanos();
        for (long attempt = 1; attempt <= mostAttempts && System.nanoTime() < deadline; attempt++) {
            progress.accept(attempt);
            List<Event> events = mutator.mutate(seeds);
            String complaint = target.run(events);
            if (!complaint.isEmpty())
                return Optional.of(finding(attempt, events, complaint));
        }
        return Optional.empty();
    }

    private Finding finding(long attempt, List<Event> events, String complaint)
            throws IOException, InterruptedException {
        if (!target.canRestart())
            return new Finding(complaint, attempt, events, events, false);
        target.restart();
        String again = target.run(events);
        if (again.isEmpty())
            return new Finding(complaint, attempt, events, events, false);
        target.restart();
        return new Finding(again, attempt, events, new Shrinker(target).shrink(events), true);
    }
}
