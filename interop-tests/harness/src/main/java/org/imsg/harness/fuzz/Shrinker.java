package org.imsg.harness.fuzz;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
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

    private final FuzzTarget target;
    private int attempts;
    /** A message was joined with a part: then they are not taken apart again. */
    private boolean joined;

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
            boolean same = !joined || whole.size() == least.size();
            if (same && messages(whole) > messages(least) && kills(whole)) {
                least = whole;
                smaller = true;
            }
            for (int i = least.size() - 2; i >= 0; i--) {
                List<Event> fewer = new ArrayList<>(least);
                Event second = fewer.remove(i + 1);
                boolean parts = isPart(least.get(i)) && isPart(second);
                if (!isPart(least.get(i)) && !isPart(second) || !second.descriptors().isEmpty())
                    continue;
                fewer.set(i, join(least.get(i), second));
                if (kills(fewer)) {
                    least = fewer;
                    smaller = true;
                    joined |= !parts;
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

    /** Bytes of several messages without one of them, or with less of its payload. */
    private List<Event> withoutPart(Event event) {
        List<Event> simpler = new ArrayList<>();
        List<Event> parts = asMessages(List.of(event));
        for (int i = 0; i < parts.size() && parts.size() > 1; i++) {
            List<Event> fewer = new ArrayList<>(parts);
            Event part = fewer.remove(i);
            simpler.add(raw(fewer, event));
            for (int cut = part.isMessage() ? part.payload().length : 0; cut > 0; cut /= 2) {
                List<Event> shorter = new ArrayList<>(parts);
                byte[] payload = part.payload();
                shorter.set(i, Mutator.withPayload(part, Arrays.copyOf(payload, payload.length - cut)));
                simpler.add(raw(shorter, event));
            }
        }
        return simpler;
    }

    private static Event raw(List<Event> parts, Event whole) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        parts.forEach(part -> bytes.writeBytes(part.bytes()));
        return Mutator.raw(bytes.toByteArray(), whole.descriptors());
    }

    /** Each is simpler than the event, so that this ends. */
    private List<Event> simpler(Event event) {
        List<Event> simpler = new ArrayList<>();
        if (isPart(event))
            simpler.addAll(withoutPart(event));
        if (isPart(event))
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
