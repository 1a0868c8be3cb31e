package org.imsg.harness.fuzz;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.function.LongConsumer;
import org.imsg.harness.describe.ProtocolDescription;
import org.imsg.harness.record.Direction;
import org.imsg.harness.record.Event;
import org.imsg.harness.record.Recording;
import org.imsg.harness.record.StreamDecoder;
import org.jspecify.annotations.Nullable;

/**
 * Says to a daemon what a client said, changed a little each time, until the daemon is not well any more: it cannot be connected to,
 * does not answer a request that it answered before, or sends what is no message. The same seed makes the same attempts.
 */
public final class Fuzzer {
    private final FuzzTarget target;
    private final List<Event> seeds;
    private final Mutator mutator;
    private Set<Integer> forbidden = Set.of();
    private long attempt;

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
    public Fuzzer(Path socket, Recording exchange, ProtocolDescription protocol, Duration patience,
            @Nullable Restart restart,
            long seed) {
        this.seeds = exchange.events().stream()
                .filter(event -> event.direction() == Direction.TO_SERVER && event.kind() != Event.Kind.END)
                .map(event -> event.at(0, 1)).toList();
        Event request = seeds.stream().filter(Event::isMessage).findFirst().orElseThrow(
                () -> new IllegalArgumentException("there is no message to the server in the exchange"));
        this.target = new FuzzTarget(socket, request, patience, restart);
        this.mutator = new Mutator(new SplittableRandom(seed), protocol, seeds);
    }

    /**
     * Fuzzes until something is found, or the time or the attempts are used up. Called again, it goes on with other attempts.
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
        long deadline = System.nanoTime() + time.toNanos();
        for (long made = 0; made < mostAttempts && System.nanoTime() < deadline;) {
            List<Event> events = mutator.mutate(seeds);
            if (saysForbidden(events))
                continue;
            made++;
            progress.accept(++attempt);
            String complaint = target.run(events);
            if (!complaint.isEmpty())
                return Optional.of(finding(attempt, events, complaint));
        }
        return Optional.empty();
    }

    /**
     * Forbids messages, such as the one that tells the daemon to stop.
     *
     * @param types the types that are never said
     * @return this
     * @throws IllegalArgumentException if the request by which one sees whether the daemon is well is of such a type
     */
    public Fuzzer without(Set<Integer> types) {
        if (types.contains(target.requestType()))
            throw new IllegalArgumentException("type " + Integer.toUnsignedString(target.requestType())
                    + " is forbidden, but it is the request by which one sees whether the daemon is well");
        forbidden = Set.copyOf(types);
        return this;
    }

    /**
     * Whether a daemon that hangs is noticed: by the missing answer to the request. Known after the first run.
     *
     * @return false if the request was not answered at the beginning
     */
    public boolean noticesHangs() {
        return !target.question().isEmpty();
    }

    /** Whether the bytes, as a daemon would find messages in them, have a forbidden one. */
    private boolean saysForbidden(List<Event> events) {
        StreamDecoder decoder = new StreamDecoder(1, Direction.TO_SERVER, target.format(), StreamDecoder.USUAL_LIMIT);
        return events.stream().flatMap(event -> decoder.add(0, event.bytes(), List.of()).stream())
                .anyMatch(event -> event.isMessage() && forbidden.contains(event.type()));
    }

    private Finding finding(long attempt, List<Event> events, String complaint)
            throws IOException, InterruptedException {
        if (!target.canRestart())
            return new Finding(complaint, attempt, events, events, false, target.question());
        target.restart();
        String again = target.run(events);
        if (again.isEmpty())
            return new Finding(complaint, attempt, events, events, false, target.question());
        target.restart();
        return new Finding(again, attempt, events, new Shrinker(target).shrink(events), true, target.question());
    }
}
