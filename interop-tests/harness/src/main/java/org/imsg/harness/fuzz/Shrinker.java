package org.imsg.harness.fuzz;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.imsg.harness.record.Direction;
import org.imsg.harness.record.Event;
import org.imsg.harness.record.StreamDecoder;

/** Makes an exchange as small as it still does what it did: fewer events, shorter payloads, more zeros. */
final class Shrinker {
    private static final int MOST_ATTEMPTS = 300;
    private static final int HEADER = 16;
    private static final int LENGTH_AT = 4;

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
            List<Event> whole = asMessages(least);
            if (messages(whole) > messages(least) && kills(whole)) {
                least = whole;
                smaller = true;
            }
            for (int i = least.size() - 2; i >= 0; i--) {
                List<Event> joined = new ArrayList<>(least);
                Event second = joined.remove(i + 1);
                if (!isPart(least.get(i)) || !isPart(second) || !second.descriptors().isEmpty())
                    continue;
                joined.set(i, join(least.get(i), second));
                if (kills(joined)) {
                    least = joined;
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

    /** Each message that is whole in a write of several, in one of its own. */
    private List<Event> asMessages(List<Event> events) {
        List<Event> whole = new ArrayList<>();
        for (Event event : events) {
            StreamDecoder decoder = new StreamDecoder(1, Direction.TO_SERVER, target.format(),
                    StreamDecoder.USUAL_LIMIT);
            if (isPart(event)) {
                whole.addAll(decoder.add(0, event.bytes(), event.descriptors()));
                whole.addAll(decoder.end(0));
                whole.removeLast();
            } else {
                whole.add(event);
            }
        }
        return whole;
    }

    private static long messages(List<Event> events) {
        return events.stream().filter(Event::isMessage).count();
    }

    private static boolean isPart(Event event) {
        return event.kind() == Event.Kind.BYTES;
    }

    /** In one write, and as the message that they are, if they are one. */
    private Event join(Event first, Event second) {
        byte[] bytes = Arrays.copyOf(first.bytes(), first.bytes().length + second.bytes().length);
        System.arraycopy(second.bytes(), 0, bytes, first.bytes().length, second.bytes().length);
        if (bytes.length >= HEADER) {
            Event message = new Event(0, 1, Direction.TO_SERVER, Event.Kind.MESSAGE, target.format(), bytes,
                    first.descriptors(), "");
            if (Arrays.equals(Mutator.withPayload(message, message.payload()).bytes(), bytes))
                return message;
        }
        return Mutator.raw(bytes, first.descriptors());
    }

    /** Bytes without the message that they begin with, if there is one. */
    private static List<Event> withoutFirst(Event event) {
        byte[] bytes = event.bytes();
        int first = bytes.length < HEADER
                ? 0
                : ByteBuffer.wrap(bytes).order(ByteOrder.nativeOrder()).getInt(LENGTH_AT);
        return first < HEADER || first >= bytes.length
                ? List.of()
                : List.of(Mutator.raw(Arrays.copyOfRange(bytes, first, bytes.length), event.descriptors()));
    }

    /** Each is simpler than the event, so that this ends. */
    private static List<Event> simpler(Event event) {
        List<Event> simpler = new ArrayList<>();
        if (event.kind() == Event.Kind.BYTES)
            simpler.addAll(withoutFirst(event));
        if (event.kind() == Event.Kind.BYTES)
            for (int length : new int[]{1, 8, 16, event.bytes().length / 2, event.bytes().length - 1})
                if (length > 0 && length < event.bytes().length)
                    simpler.add(Mutator.raw(Arrays.copyOf(event.bytes(), length), event.descriptors()));
        if (!event.isMessage())
            return simpler;
        byte[] payload = event.payload();
        for (int cut = payload.length; cut > 0; cut /= 2)
            simpler.add(Mutator.withPayload(event, Arrays.copyOf(payload, payload.length - cut)));
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
