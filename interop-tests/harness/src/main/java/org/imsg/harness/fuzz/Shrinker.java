package org.imsg.harness.fuzz;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.imsg.harness.record.Event;

/** Makes an exchange as small as it still does what it did: fewer events, shorter payloads, more zeros. */
final class Shrinker {
    private static final int MOST_ATTEMPTS = 300;

    private final FuzzTarget target;
    private int attempts;

    Shrinker(FuzzTarget target) {
        this.target = target;
    }

    List<Event> shrink(List<Event> events) throws IOException, InterruptedException {
        List<Event> least = new ArrayList<>(events);
        boolean smaller = true;
        while (smaller && attempts < MOST_ATTEMPTS) {
            smaller = false;
            for (int i = least.size() - 1; i >= 0; i--) {
                List<Event> without = new ArrayList<>(least);
                without.remove(i);
                if (!without.isEmpty() && kills(without)) {
                    least = without;
                    smaller = true;
                }
            }
            for (int i = 0; i < least.size(); i++)
                for (Event simpler : simpler(least.get(i))) {
                    List<Event> changed = new ArrayList<>(least);
                    changed.set(i, simpler);
                    if (kills(changed)) {
                        least = changed;
                        smaller = true;
                        break;
                    }
                }
        }
        return least;
    }

    /** Each is simpler than the event, so that this ends. */
    private static List<Event> simpler(Event event) {
        List<Event> simpler = new ArrayList<>();
        if (event.kind() == Event.Kind.BYTES)
            for (int length : new int[]{1, 8, 16, event.bytes().length / 2, event.bytes().length - 1})
                if (length > 0 && length < event.bytes().length)
                    simpler.add(Mutator.raw(Arrays.copyOf(event.bytes(), length), event.descriptors()));
        if (!event.isMessage())
            return simpler;
        byte[] payload = event.payload();
        for (int length : new int[]{0, payload.length / 2, payload.length - 4, payload.length - 1})
            if (length >= 0 && length < payload.length)
                simpler.add(Mutator.withPayload(event, Arrays.copyOf(payload, length)));
        for (int size = payload.length; size > 0; size /= 2)
            for (int at = 0; at < payload.length; at += size) {
                byte[] zeroed = payload.clone();
                Arrays.fill(zeroed, at, Math.min(payload.length, at + size), (byte) 0);
                if (!Arrays.equals(zeroed, payload))
                    simpler.add(Mutator.withPayload(event, zeroed));
            }
        return simpler;
    }

    private boolean kills(List<Event> events) throws IOException, InterruptedException {
        if (attempts++ >= MOST_ATTEMPTS)
            return false;
        boolean dead = !target.run(events).isEmpty();
        if (dead)
            target.restart();
        return dead;
    }
}
