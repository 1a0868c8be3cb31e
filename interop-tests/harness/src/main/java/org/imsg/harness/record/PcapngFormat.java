package org.imsg.harness.record;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.time.DateTimeException;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.imsg.WireFormat;
import org.imsg.harness.record.Event.Kind;
import org.jspecify.annotations.Nullable;

/** A recording as pcapng (IETF draft-ietf-opsawg-pcapng), link type USER0; {@link Recording} has what is in a packet. */
final class PcapngFormat implements EventSource {
    static final int SECTION_HEADER = 0x0A0D0D0A;
    private static final int ORDER_MAGIC = 0x1A2B3C4D;
    private static final int INTERFACE = 1;
    private static final int ENHANCED_PACKET = 6;
    private static final int MOST_INTERFACES = 1 << 16;
    private static final int LINKTYPE_USER0 = 147;
    private static final int OPTION_NAME = 2;
    private static final int OPTION_RESOLUTION = 9;
    private static final int OPTION_FLAGS = 2;
    private static final long USUAL_UNITS = 1_000_000;
    private static final int END_OF_OPTIONS = 0;
    private static final int VERSION = 1;
    private static final int PREFIX = 16;
    private static final int BLOCK = 12;
    private static final long SECOND = 1_000_000_000L;

    private final InputStream in;
    private final int longest;
    private ByteOrder order = ByteOrder.nativeOrder();
    /** Of each interface, into how many units its times divide a second. */
    private final List<Long> units = new ArrayList<>();
    /** Where the block that is being read begins. */
    private long at;
    private @Nullable Instant start;
    private int type;

    static byte[] heading() {
        ByteBuffer section = nativeOrder(16).putInt(ORDER_MAGIC).putShort((short) 1).putShort((short) 0).putLong(-1);
        ByteBuffer device = nativeOrder(28).putShort((short) LINKTYPE_USER0).putShort((short) 0).putInt(0);
        option(device, OPTION_NAME, "imsg".getBytes(StandardCharsets.US_ASCII));
        option(device, OPTION_RESOLUTION, new byte[]{9});
        device.putInt(END_OF_OPTIONS);
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        out.writeBytes(block(SECTION_HEADER, section.array()));
        out.writeBytes(block(INTERFACE, device.array()));
        return out.toByteArray();
    }

    static byte[] packet(Instant start, Event event) {
        byte[] data = data(event);
        long time = start.getEpochSecond() * SECOND + start.getNano() + event.nanos(); // 64 bits unsigned hold all
        ByteBuffer body = nativeOrder(20 + padded(data.length) + 12).putInt(0).putInt((int) (time >>> 32))
                .putInt((int) time).putInt(data.length).putInt(data.length).put(data);
        body.position(20 + padded(data.length));
        // epb_flags: 1 is inbound, 2 outbound, seen from the server.
        int way = event.direction() == Direction.TO_SERVER ? 1 : event.direction() == Direction.TO_CLIENT ? 2 : 0;
        option(body, OPTION_FLAGS, nativeOrder(4).putInt(way).array());
        body.putInt(END_OF_OPTIONS);
        return block(ENHANCED_PACKET, body.array());
    }

    private static byte[] data(Event event) {
        List<String> lines = new ArrayList<>();
        for (String descriptor : event.descriptors())
            lines.add(descriptor.replace("\\", "\\x5c").replace("\n", "\\x0a"));
        if (lines.isEmpty() || !event.note().isEmpty())
            lines.add(event.note());
        byte[] words = String.join("\n", lines).getBytes(StandardCharsets.UTF_8);
        return ByteBuffer.allocate(PREFIX + words.length + event.bytes().length).put((byte) VERSION)
                .put((byte) event.kind().ordinal()).put((byte) event.direction().ordinal())
                .put((byte) (event.format() == WireFormat.CLASSIC ? 0 : 1))
                .put((byte) (ByteOrder.nativeOrder() == ByteOrder.BIG_ENDIAN ? 1 : 0))
                .put((byte) event.descriptors().size()).putShort((short) words.length).putInt(event.connection())
                .putInt(words.length >>> 16).put(words).put(event.bytes()).array();
    }

    /** Reads a file as it comes, a block at a time. */
    PcapngFormat(InputStream in, int limit) {
        this.in = in;
        this.longest = (int) Math.min(Integer.MAX_VALUE - 8L, (long) limit + MOST_WORDS_BYTES);
    }

    @Override
    public Instant start() {
        return start == null ? Instant.EPOCH : start;
    }

    @Override
    public @Nullable Event next() throws IOException {
        for (;;) {
            byte[] head = in.readNBytes(8);
            if (head.length == 0)
                return null;
            if (head.length < 8)
                throw new IOException("the pcapng file is cut at byte " + at);
            ByteBuffer block = block(head);
            Event event = event(block);
            at += BLOCK + block.limit();
            if (event != null)
                return event;
        }
    }

    /** The body of the block that begins so. */
    private ByteBuffer block(byte[] head) throws IOException {
        byte[] magic = {};
        type = ByteBuffer.wrap(head).order(order).getInt();
        if (type == SECTION_HEADER) {
            magic = in.readNBytes(4);
            if (magic.length == 4 && ByteBuffer.wrap(magic).order(order).getInt() != ORDER_MAGIC)
                order = order == ByteOrder.BIG_ENDIAN ? ByteOrder.LITTLE_ENDIAN : ByteOrder.BIG_ENDIAN;
        }
        int length = ByteBuffer.wrap(head).order(order).getInt(4);
        if (length < BLOCK + magic.length || length % 4 != 0)
            throw new IOException("the block at byte " + at + " of the pcapng file has length "
                    + Integer.toUnsignedString(length));
        if (length > longest)
            throw new IOException("the block at byte " + at + " of the pcapng file has length " + length
                    + ", at most " + longest + " is read: longer messages need a --limit");
        byte[] rest = in.readNBytes(length - 8 - magic.length);
        int missing = length - 8 - magic.length - rest.length;
        if (missing > 0)
            throw new IOException("the block at byte " + at + " of the pcapng file is cut: it has length " + length
                    + ", and " + missing + " bytes are missing");
        return ByteBuffer.allocate(length - BLOCK).order(order).put(magic).put(rest, 0, rest.length - 4).flip();
    }

    /** The event in a block; null if there is none in it. */
    private @Nullable Event event(ByteBuffer body) throws IOException {
        try {
            if (type == SECTION_HEADER)
                units.clear();
            if (type == INTERFACE && units.size() >= MOST_INTERFACES)
                throw new IllegalArgumentException("more than " + MOST_INTERFACES + " interfaces");
            if (type == INTERFACE)
                units.add(units(body));
            return type == ENHANCED_PACKET ? packet(body) : null;
        } catch (IndexOutOfBoundsException | BufferUnderflowException e) {
            throw new IOException(
                    "the block at byte " + at + " of the pcapng file is too short, or of a kind that is not known",
                    e);
        } catch (IllegalArgumentException e) {
            throw new IOException("the packet at byte " + at + " of the pcapng file: " + e.getMessage(), e);
        }
    }

    private static long units(ByteBuffer body) {
        int link = body.getShort(0) & 0xFFFF;
        if (link != LINKTYPE_USER0)
            throw new IllegalArgumentException("link type " + link + ", a recording of imsg has " + LINKTYPE_USER0);
        body.position(8);
        while (body.remaining() >= 4) {
            int code = body.getShort();
            int length = body.getShort() & 0xFFFF;
            if (code == END_OF_OPTIONS)
                break;
            if (code == OPTION_RESOLUTION)
                return units(body.get());
            body.position(body.position() + padded(length));
        }
        return USUAL_UNITS;
    }

    private static long units(int digits) {
        if (digits < 0 || digits > 9)
            throw new IllegalArgumentException("times that are not in decimal parts of a second down to nanoseconds");
        long units = 1;
        for (int i = 0; i < digits; i++)
            units *= 10;
        return units;
    }

    private Event packet(ByteBuffer body) throws IOException {
        long unit = units.get(body.getInt());
        long time = (long) body.getInt() << 32 | body.getInt() & 0xFFFF_FFFFL;
        int captured = body.getInt();
        body.getInt();
        if (captured < PREFIX || captured > body.remaining())
            throw new IOException("the packet at byte " + at + " of the pcapng file has "
                    + Integer.toUnsignedString(captured) + " bytes");
        Event event = decoded(body.slice(body.position(), captured).order(ByteOrder.BIG_ENDIAN));
        try {
            Instant when = Instant.ofEpochSecond(Long.divideUnsigned(time, unit),
                    Long.remainderUnsigned(time, unit) * (SECOND / unit));
            if (start == null)
                start = when;
            return event.at(Math.max(0, start.until(when, ChronoUnit.NANOS)), event.connection());
        } catch (DateTimeException | ArithmeticException e) {
            throw new IllegalArgumentException("a time that is centuries away", e);
        }
    }

    private static Event decoded(ByteBuffer data) {
        int version = data.get();
        if (version != VERSION)
            throw new IllegalArgumentException("version " + version + ", this program reads " + VERSION);
        Kind kind = Kind.values()[data.get()];
        Direction direction = Direction.values()[data.get()];
        WireFormat format = data.get() == 0 ? WireFormat.CLASSIC : WireFormat.MODERN;
        boolean bigEndian = data.get() == 1;
        if (bigEndian != (ByteOrder.nativeOrder() == ByteOrder.BIG_ENDIAN))
            throw new IllegalArgumentException(TextFormat.OTHER_ORDER + ", or look at it in Wireshark with imsg.lua");
        int count = data.get() & 0xFF;
        int low = data.getShort() & 0xFFFF;
        int connection = data.getInt();
        long length = (data.getInt() & 0xFFFF_FFFFL) << 16 | low;
        if (length > data.remaining())
            throw new IllegalArgumentException(length + " bytes of text, " + data.remaining() + " are left");
        if (connection < 0)
            throw new IllegalArgumentException("connection " + Integer.toUnsignedString(connection));
        byte[] words = new byte[(int) length];
        data.get(words);
        byte[] bytes = new byte[data.remaining()];
        data.get(bytes);
        String[] lines = new String(words, StandardCharsets.UTF_8).split("\n", count + 1);
        List<String> descriptors = Arrays.stream(lines).limit(count)
                .map(line -> line.replace("\\x0a", "\n").replace("\\x5c", "\\")).toList();
        return new Event(0, connection, direction, kind, format, bytes, descriptors,
                lines.length > count ? lines[count] : "");
    }

    private static byte[] block(int type, byte[] body) {
        int length = BLOCK + body.length;
        return nativeOrder(length).putInt(type).putInt(length).put(body).putInt(length).array();
    }

    private static void option(ByteBuffer into, int code, byte[] value) {
        into.putShort((short) code).putShort((short) value.length).put(value);
        into.position(into.position() + padded(value.length) - value.length);
    }

    private static int padded(int length) {
        return length + 3 & ~3;
    }

    private static ByteBuffer nativeOrder(int size) {
        return ByteBuffer.allocate(size).order(ByteOrder.nativeOrder());
    }
}
