package org.imsg.harness.fuzz;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.SplittableRandom;
import org.imsg.WireFormat;
import org.imsg.harness.describe.ProtocolDescription;
import org.imsg.harness.describe.StructLayout;
import org.imsg.harness.record.Direction;
import org.imsg.harness.record.Event;

/** Changes what a client says, a little or a lot; what it does follows from the random numbers alone. */
final class Mutator {
    private static final int HEADER = 16;
    private static final int LENGTH_AT = 4;
    private static final int PEERID_AT = 8;
    private static final int PID_AT = 12;
    private static final String DESCRIPTOR = "pipe";
    private static final long[] EDGES = {0, 1, 2, 0x7F, 0x80, 0xFF, 0x100, 0x7FFF, 0x8000, 0xFFFF, 0x10000, 0x7FFF_FFFF,
            0x8000_0000L, 0xFFFF_FFFFL, Long.MAX_VALUE, Long.MIN_VALUE, -1};
    private static final int LONGEST = 16384;

    private final SplittableRandom random;
    private final ProtocolDescription protocol;
    private final List<Integer> types;

    Mutator(SplittableRandom random, ProtocolDescription protocol, List<Event> seeds) {
        this.random = random;
        this.protocol = protocol;
        this.types = seeds.stream().filter(Event::isMessage).map(Event::type).distinct().toList();
    }

    List<Event> mutate(List<Event> seeds) {
        List<Event> events = new ArrayList<>(seeds);
        for (int i = 1 + random.nextInt(4); i > 0; i--) {
            if (events.isEmpty())
                return new ArrayList<>(seeds);
            int at = random.nextInt(events.size());
            if (random.nextInt(4) == 0)
                rearrange(events, at);
            else if (events.get(at).isMessage())
                events.set(at, change(events.get(at)));
        }
        return events;
    }

    private void rearrange(List<Event> events, int at) {
        switch (random.nextInt(7)) {
            case 0 -> events.remove(at);
            case 1 -> events.add(at, events.get(at));
            case 2 -> events.add(events.remove(at));
            case 3 -> split(events, at);
            case 4 -> events.add(at, Event.end(0, 1, Direction.TO_SERVER));
            case 5 -> join(events, at);
            default -> {
                byte[] noise = new byte[1 + random.nextInt(64)];
                random.nextBytes(noise);
                events.add(at, raw(noise, List.of()));
            }
        }
    }

    /** The same bytes in two writes. */
    private void split(List<Event> events, int at) {
        Event event = events.get(at);
        int length = event.bytes().length;
        if (length < 2)
            return;
        int cut = 1 + random.nextInt(length - 1);
        events.set(at, raw(Arrays.copyOf(event.bytes(), cut), event.descriptors()));
        events.add(at + 1, raw(Arrays.copyOfRange(event.bytes(), cut, length), List.of()));
    }

    /** Two writes in one. */
    private static void join(List<Event> events, int at) {
        if (at + 1 == events.size() || !events.get(at + 1).descriptors().isEmpty())
            return;
        byte[] second = events.remove(at + 1).bytes();
        Event first = events.get(at);
        byte[] both = Arrays.copyOf(first.bytes(), first.bytes().length + second.length);
        System.arraycopy(second, 0, both, first.bytes().length, second.length);
        events.set(at, raw(both, first.descriptors()));
    }

    static Event raw(byte[] bytes, List<String> descriptors) {
        return new Event(0, 1, Direction.TO_SERVER, Event.Kind.BYTES, WireFormat.MODERN, bytes, descriptors, "");
    }

    private Event change(Event event) {
        return switch (random.nextInt(10)) {
            case 0 -> flip(event);
            case 1, 2, 3 -> number(event);
            case 4 -> resized(event, random.nextInt(event.payload().length + 1));
            case 5 -> resized(event, Math.min(LONGEST - HEADER, longer(event.payload().length)));
            case 6 -> header(event, 0, type());
            case 7 -> wrongLength(event);
            case 8 ->
                header(event, random.nextBoolean() ? PEERID_AT : PID_AT, (int) EDGES[random.nextInt(EDGES.length)]);
            default -> descriptor(event);
        };
    }

    /** A little longer, or a little longer than the buffer that a daemon may have for it. */
    private int longer(int length) {
        int least = random.nextInt(4) > 0 ? length : 1 << 5 + random.nextInt(10);
        return least + 1 + random.nextInt(64);
    }

    private int type() {
        return switch (random.nextInt(3)) {
            case 0 -> types.get(random.nextInt(types.size())) + random.nextInt(5) - 2;
            case 1 -> random.nextInt(256);
            default -> random.nextInt();
        };
    }

    private Event flip(Event event) {
        byte[] payload = event.payload();
        if (payload.length > 0)
            payload[random.nextInt(payload.length)] ^= (byte) (1 << random.nextInt(8));
        return withPayload(event, payload);
    }

    /** A number at its edges: of the struct, where it is described, or of any width anywhere. */
    private Event number(Event event) {
        byte[] payload = event.payload();
        StructLayout struct = protocol.payload(event).orElse(null);
        List<int[]> places = struct == null ? List.of() : struct.numbers(payload.length);
        int width = 1 << random.nextInt(4);
        int at = payload.length < width ? -1 : random.nextInt((payload.length - width) / width + 1) * width;
        if (!places.isEmpty() && random.nextInt(4) > 0) {
            int[] place = places.get(random.nextInt(places.size()));
            at = place[0];
            width = place[1];
        }
        if (at < 0)
            return event;
        long value = EDGES[random.nextInt(EDGES.length)];
        ByteBuffer bytes = ByteBuffer.wrap(payload).order(ByteOrder.nativeOrder());
        switch (width) {
            case 1 -> bytes.put(at, (byte) value);
            case 2 -> bytes.putShort(at, (short) value);
            case 4 -> bytes.putInt(at, (int) value);
            default -> bytes.putLong(at, value);
        }
        return withPayload(event, payload);
    }

    private Event resized(Event event, int length) {
        byte[] payload = Arrays.copyOf(event.payload(), length);
        for (int i = event.payload().length; i < length; i++)
            payload[i] = (byte) random.nextInt();
        return withPayload(event, payload);
    }

    private static Event header(Event event, int at, int value) {
        byte[] bytes = event.bytes().clone();
        ByteBuffer.wrap(bytes).order(ByteOrder.nativeOrder()).putInt(at, value);
        return new Event(0, 1, Direction.TO_SERVER, Event.Kind.MESSAGE, event.format(), bytes, event.descriptors(), "");
    }

    private Event wrongLength(Event event) {
        return raw(header(event, LENGTH_AT, (int) EDGES[random.nextInt(EDGES.length)]).bytes(), event.descriptors());
    }

    private Event descriptor(Event event) {
        List<String> come = Collections.nCopies(random.nextInt(3), DESCRIPTOR);
        boolean marked = random.nextBoolean();
        byte[] header = Event.header(event.format(), event.type(), event.bytes().length, marked, event.id(),
                event.pid());
        byte[] bytes = event.bytes().clone();
        System.arraycopy(header, 0, bytes, 0, HEADER);
        return new Event(0, 1, Direction.TO_SERVER, Event.Kind.MESSAGE, event.format(), bytes, come, "");
    }

    /** The same message with another payload, and a header that says so. */
    static Event withPayload(Event event, byte[] payload) {
        byte[] header = Event.header(event.format(), event.type(), HEADER + payload.length, event.marked(), event.id(),
                event.pid());
        byte[] bytes = Arrays.copyOf(header, HEADER + payload.length);
        System.arraycopy(payload, 0, bytes, HEADER, payload.length);
        return new Event(0, 1, Direction.TO_SERVER, Event.Kind.MESSAGE, event.format(), bytes, event.descriptors(), "");
    }
}
