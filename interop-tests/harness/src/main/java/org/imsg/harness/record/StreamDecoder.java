package org.imsg.harness.record;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.imsg.WireFormat;
import org.imsg.harness.record.Event.Kind;
import org.imsg.harness.stream.Chunk;
import org.imsg.wire.Dialect;
import org.imsg.wire.ImsgHeader;

/**
 * Finds the messages in one direction of a stream that another class receives. Bytes that cannot be a message are events too, so
 * nothing is left out: all events' bytes together are the stream. Not safe for two threads at once.
 */
public final class StreamDecoder {
    /** The longest message where nothing else is said: all that a header can say that may be of either format. */
    public static final int USUAL_LIMIT = Dialect.CLASSIC_LIMIT;

    private static final boolean BIG_ENDIAN = ByteOrder.nativeOrder() == ByteOrder.BIG_ENDIAN;

    private final int connection;
    private final Direction direction;
    private final Dialect dialect;
    private final int limit;
    private byte[] pending = new byte[1024];
    private int length;
    private final List<Passed> passed = new ArrayList<>();
    private boolean broken;

    /**
     * A descriptor, at which of the pending bytes it came, and where what was sent with it ends. Some C libraries send several
     * messages at once, of which the last is the one that the descriptor is for. One stands for several when there are too many.
     */
    private record Passed(int at, int until, String what, int count) {
        boolean isAround(int from, int to) {
            return at < to && until > from;
        }
    }

    /**
     * For one direction.
     *
     * @param connection the connection's number
     * @param direction which way
     * @param format the format; AUTO reads both
     * @param limit the longest message in bytes with its header; with AUTO up to 65535
     */
    public StreamDecoder(int connection, Direction direction, WireFormat format, int limit) {
        if (format == WireFormat.AUTO && limit > Dialect.CLASSIC_LIMIT)
            throw new IllegalArgumentException("with messages of " + limit
                    + " bytes the formats cannot be told apart: name CLASSIC or MODERN");
        this.connection = connection;
        this.direction = direction;
        this.dialect = Dialect.valueOf(format.name());
        this.limit = limit;
    }

    /**
     * Takes the next bytes.
     *
     * @param nanos when they came
     * @param bytes the bytes
     * @param descriptors what came with the first of them, in words; then these are all the bytes that were sent with
     *     them
     * @return what is whole now
     */
    public List<Event> add(long nanos, byte[] bytes, List<String> descriptors) {
        for (String descriptor : descriptors)
            pass(descriptor, bytes.length);
        if (length + bytes.length > pending.length)
            pending = Arrays.copyOf(pending, Math.max(2 * pending.length, length + bytes.length));
        System.arraycopy(bytes, 0, pending, length, bytes.length);
        length += bytes.length;
        List<Event> events = new ArrayList<>();
        int start = 0;
        while (!broken && length - start >= ImsgHeader.SIZE) {
            int word = ByteBuffer.wrap(pending).order(ByteOrder.nativeOrder())
                    .getInt(start + ImsgHeader.LENGTH_OFFSET);
            int said = dialect.length(word, BIG_ENDIAN);
            if (said < ImsgHeader.SIZE || said > limit) {
                broken = true;
                events.add(take(nanos, start, length, Kind.BYTES, word,
                        "length " + said + " is not " + ImsgHeader.SIZE + " to " + limit));
                start = length;
            } else if (length - start >= said) {
                events.add(take(nanos, start, start + said, Kind.MESSAGE, word, ""));
                start += said;
            } else {
                break;
            }
        }
        if (broken && start < length) {
            events.add(take(nanos, start, length, Kind.BYTES, 0, "after a length that cannot be"));
            start = length;
        }
        drop(start);
        return events;
    }

    /** For so many descriptors there are names; of further ones only the number is kept. */
    int room() {
        return Event.MOST_DESCRIPTORS - passed.size();
    }

    /** Of a flood at one message only the number is kept. */
    private void pass(String descriptor, int count) {
        if (passed.size() < Event.MOST_DESCRIPTORS) {
            passed.add(new Passed(length, length + count, descriptor, 1));
        } else {
            Passed last = passed.removeLast();
            passed.add(new Passed(last.at, length + count,
                    last.what.equals(Chunk.LOST) ? last.what : last.count + 1 + " more", last.count + 1));
        }
    }

    /** {@return whether bytes have come that are no whole message yet} */
    boolean isInsideMessage() {
        return length > 0;
    }

    /**
     * The stream has ended.
     *
     * @param nanos when
     * @return what was not whole, if there was something, and the end
     */
    public List<Event> end(long nanos) {
        List<Event> events = new ArrayList<>();
        if (length > 0)
            events.add(take(nanos, 0, length, Kind.BYTES, 0, "the stream ends inside a message"));
        drop(length);
        events.add(Event.end(nanos, connection, direction));
        return events;
    }

    private Event take(long nanos, int from, int to, Kind kind, int word, String note) {
        boolean marked = kind == Kind.MESSAGE && dialect.marked(word, BIG_ENDIAN);
        List<String> descriptors = kind == Kind.MESSAGE ? ofMessage(from, to, marked) : ofBytes(to);
        WireFormat format = WireFormat.valueOf(dialect.of(word, BIG_ENDIAN).name());
        return new Event(nanos, connection, direction, kind, format, Arrays.copyOfRange(pending, from, to),
                descriptors, note);
    }

    /** The mark says whose a descriptor is; without one it stays with the last message that was sent along with it. */
    private List<String> ofMessage(int from, int to, boolean marked) {
        List<String> own = new ArrayList<>();
        for (Passed one : List.copyOf(passed)) {
            boolean mine = marked
                    ? one.isAround(from, to) && (own.isEmpty() || one.at >= from)
                    : one.at < to && one.until <= to;
            if (mine) {
                own.add(one.what);
                passed.remove(one);
            }
        }
        return own;
    }

    private List<String> ofBytes(int to) {
        List<String> own = passed.stream().filter(one -> one.at < to).map(Passed::what).toList();
        passed.removeIf(one -> one.at < to);
        return own;
    }

    private void drop(int count) {
        System.arraycopy(pending, count, pending, 0, length - count);
        length -= count;
        passed.replaceAll(one -> new Passed(one.at - count, one.until - count, one.what, one.count));
    }
}
