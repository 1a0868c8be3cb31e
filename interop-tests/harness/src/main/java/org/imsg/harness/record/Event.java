package org.imsg.harness.record;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import org.imsg.WireFormat;
import org.imsg.wire.Dialect;
import org.imsg.wire.ImsgHeader;

/**
 * Something that passed over a connection. Immutable but for the array, which is not changed.
 *
 * @param nanos when, in nanoseconds since the recording began
 * @param connection which connection, from 1
 * @param direction which way
 * @param kind what it is
 * @param format CLASSIC or MODERN: how a message's header is read
 * @param bytes of a message, header and payload; of bytes, these; otherwise none
 * @param descriptors what came along with these bytes, each in words such as {@code /etc/hosts} or {@code
 *     socket:[4711]}
 * @param note of a note, its text; of bytes, why they are no message; otherwise empty
 */
public record Event(long nanos, int connection, Direction direction, Kind kind, WireFormat format, byte[] bytes,
        List<String> descriptors, String note) {
    /** The kinds of events. */
    public enum Kind {
        /** A whole message. */
        MESSAGE,
        /** Bytes that are no message, or one write of a peer that cuts messages as it likes. */
        BYTES,
        /** The end of the stream in one direction. */
        END,
        /** A remark. */
        NOTE
    }

    /** An event has so many at most: further ones that came along are counted in the last one's words. */
    public static final int MOST_DESCRIPTORS = 255;

    private static final long SECOND = 1_000_000_000L;
    private static final byte[] NO_BYTES = {};
    private static final boolean BIG_ENDIAN = ByteOrder.nativeOrder() == ByteOrder.BIG_ENDIAN;

    /** Checks that a message has a header, and the bound on descriptors. */
    public Event {
        if (kind == Kind.MESSAGE && bytes.length < ImsgHeader.SIZE)
            throw new IllegalArgumentException(
                    "a message has " + ImsgHeader.SIZE + " bytes or more, not " + bytes.length);
        if (kind == Kind.MESSAGE && format == WireFormat.AUTO)
            throw new IllegalArgumentException("a message is CLASSIC or MODERN, not AUTO");
        if (descriptors.size() > MOST_DESCRIPTORS)
            throw new IllegalArgumentException(
                    "an event has at most " + MOST_DESCRIPTORS + " descriptors, not " + descriptors.size());
        descriptors = List.copyOf(descriptors);
    }

    /**
     * A message made here.
     *
     * @param direction which way
     * @param format CLASSIC or MODERN
     * @param type the type
     * @param id the peerid
     * @param pid the pid
     * @param payload the payload
     * @param descriptors in words; the message is marked if there is one
     * @return the event, at time 0 of connection 1
     */
    public static Event message(Direction direction, WireFormat format, int type, int id, int pid, byte[] payload,
            List<String> descriptors) {
        byte[] bytes = Arrays.copyOf(header(format, type, ImsgHeader.SIZE + payload.length, !descriptors.isEmpty(), id,
                pid), ImsgHeader.SIZE + payload.length);
        System.arraycopy(payload, 0, bytes, ImsgHeader.SIZE, payload.length);
        return new Event(0, 1, direction, Kind.MESSAGE, format, bytes, descriptors, "");
    }

    /**
     * A header, whatever it says: also one that no C program would write.
     *
     * @param format CLASSIC or MODERN
     * @param type the type
     * @param length what the length field says; of CLASSIC the low 16 bits
     * @param marked whether a descriptor is announced
     * @param id the peerid
     * @param pid the pid
     * @return 16 bytes
     */
    public static byte[] header(WireFormat format, int type, int length, boolean marked, int id, int pid) {
        Dialect dialect = format == WireFormat.CLASSIC ? Dialect.CLASSIC : Dialect.MODERN;
        int said = dialect == Dialect.CLASSIC ? length & 0xFFFF : length;
        return ByteBuffer.allocate(ImsgHeader.SIZE).order(ByteOrder.nativeOrder()).putInt(type)
                .putInt(dialect.word(said, marked, BIG_ENDIAN)).putInt(id).putInt(pid).array();
    }

    /**
     * The end of one direction.
     *
     * @param nanos when
     * @param connection of which connection
     * @param direction which way nothing comes any more
     * @return the event
     */
    public static Event end(long nanos, int connection, Direction direction) {
        return new Event(nanos, connection, direction, Kind.END, WireFormat.MODERN, NO_BYTES, List.of(), "");
    }

    /**
     * A remark.
     *
     * @param nanos when
     * @param connection about which connection
     * @param text the remark
     * @return the event
     */
    public static Event note(long nanos, int connection, String text) {
        return new Event(nanos, connection, Direction.NONE, Kind.NOTE, WireFormat.MODERN, NO_BYTES, List.of(), text);
    }

    /**
     * This one at another time, of another connection.
     *
     * @param when nanoseconds since the recording began
     * @param which the connection
     * @return the copy
     */
    public Event at(long when, int which) {
        return new Event(when, which, direction, kind, format, bytes, descriptors, note);
    }

    /** {@return whether this is a whole message} */
    public boolean isMessage() {
        return kind == Kind.MESSAGE;
    }

    /** {@return of a message, its type} */
    public int type() {
        return field(ImsgHeader.TYPE_OFFSET);
    }

    /** Whether a line that is cut somewhere cannot have become this one: bytes may have had more behind them. */
    boolean isWhole() {
        return switch (kind) {
            case MESSAGE -> bytes.length == dialect().length(field(ImsgHeader.LENGTH_OFFSET), BIG_ENDIAN);
            case BYTES -> false;
            case NOTE -> !note.isEmpty();
            case END -> true;
        };
    }

    /** {@return of a message, its peerid} */
    public int id() {
        return field(ImsgHeader.PEERID_OFFSET);
    }

    /** {@return of a message, its pid} */
    public int pid() {
        return field(ImsgHeader.PID_OFFSET);
    }

    /** {@return of a message, whether its header announces a descriptor} */
    public boolean marked() {
        return dialect().marked(field(ImsgHeader.LENGTH_OFFSET), BIG_ENDIAN);
    }

    /** {@return of a message, a copy of its payload} */
    public byte[] payload() {
        message();
        return Arrays.copyOfRange(bytes, ImsgHeader.SIZE, bytes.length);
    }

    private Dialect dialect() {
        return format == WireFormat.CLASSIC ? Dialect.CLASSIC : Dialect.MODERN;
    }

    private int field(int offset) {
        message();
        return ByteBuffer.wrap(bytes).order(ByteOrder.nativeOrder()).getInt(offset);
    }

    private void message() {
        if (kind != Kind.MESSAGE)
            throw new IllegalStateException("this is no message but " + kind);
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Event event && nanos == event.nanos && connection == event.connection
                && direction == event.direction && kind == event.kind && format == event.format
                && Arrays.equals(bytes, event.bytes) && descriptors.equals(event.descriptors)
                && note.equals(event.note);
    }

    @Override
    public int hashCode() {
        return 31 * Arrays.hashCode(bytes) + Long.hashCode(nanos);
    }

    /** {@return the event as a line of a recording, without a line feed} */
    @Override
    public String toString() {
        StringBuilder line = new StringBuilder(
                String.format(Locale.ROOT, "%d.%09d", nanos / SECOND, nanos % SECOND)).append(' ')
                .append(connection).append(' ').append(direction.sign()).append(' ')
                .append(kind.name().toLowerCase(Locale.ROOT));
        if (isMessage())
            line.append(' ').append(format.name().toLowerCase(Locale.ROOT));
        for (String descriptor : descriptors)
            line.append(" fd=").append(quote(descriptor));
        if (!note.isEmpty())
            line.append(" note=").append(quote(note));
        if (bytes.length > 0)
            line.append(' ').append(HexFormat.of().formatHex(bytes));
        return line.toString();
    }

    private static String quote(String text) {
        StringBuilder quoted = new StringBuilder("\"");
        for (byte b : text.getBytes(StandardCharsets.UTF_8)) {
            if (b == '"' || b == '\\')
                quoted.append('\\').append((char) b);
            else if (b >= ' ' && b < 127)
                quoted.append((char) b);
            else
                quoted.append("\\x").append(HexFormat.of().toHexDigits(b));
        }
        return quoted.append('"').toString();
    }
}
