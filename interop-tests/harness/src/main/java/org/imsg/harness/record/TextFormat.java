package org.imsg.harness.record;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.time.DateTimeException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import org.imsg.WireFormat;
import org.imsg.harness.record.Event.Kind;
import org.jspecify.annotations.Nullable;

/** A recording as text, a line an event, read as it comes; {@link Recording} has the description. */
final class TextFormat implements EventSource {
    static final String MAGIC = "imsg-recording";
    static final int VERSION = 1;
    static final String OTHER_ORDER = "the recording was made on a machine of the other byte order, in which its messages are:"
            + " decode it there (imsg decode --json)";
    /** Later than that, pcapng could not have all its events. */
    private static final Instant LATEST = Instant.parse("2261-12-31T23:59:59.999999999Z");

    /** Beside time, connection, direction, kind, format, note and bytes: one for each descriptor. */
    private static final int MOST_WORDS = Event.MOST_DESCRIPTORS + 7;

    private final InputStream in;
    private final int longest;
    private final Instant start;
    private int lines;
    private boolean terminated;

    /** Reads the heading. Bytes of a line have two digits each. */
    TextFormat(InputStream in, int limit) throws IOException {
        this.in = in;
        this.longest = (int) Math.min(Integer.MAX_VALUE - 8L, 2L * limit + MOST_WORDS_BYTES);
        String[] heading = line().strip().split(" ");
        if (heading.length < 4 || !heading[0].equals(MAGIC) || !heading[2].matches("(big|little)-endian"))
            throw new IOException("a recording begins with \"" + MAGIC + " " + VERSION + " little-endian TIME\"");
        if (!heading[1].equals(String.valueOf(VERSION)))
            throw new IOException("the recording's version is " + heading[1] + ", this program reads " + VERSION);
        if (!heading[2].equals(order(ByteOrder.nativeOrder())))
            throw new IOException(OTHER_ORDER);
        try {
            start = Instant.parse(heading[3]);
            if (start.isBefore(Instant.EPOCH) || start.isAfter(LATEST))
                throw new DateTimeException("a recording begins in the years 1970 to 2261, not at " + start);
        } catch (DateTimeException e) {
            throw terminated ? new IOException("line 1 of the recording: " + e.getMessage(), e) : cut();
        }
    }

    @Override
    public Instant start() {
        return start;
    }

    @Override
    public @Nullable Event next() throws IOException {
        for (String line; (line = line()) != null;) {
            line = line.strip();
            if (line.isEmpty() || line.startsWith("#"))
                continue;
            Event event;
            try {
                event = event(words(line));
            } catch (IllegalArgumentException | IndexOutOfBoundsException e) {
                throw terminated
                        ? new IOException("line " + lines + " of the recording: " + e.getMessage(), e)
                        : cut();
            }
            if (!terminated && !event.isWhole())
                throw cut();
            return event;
        }
        return null;
    }

    private IOException cut() {
        return new IOException("the recording is cut inside line " + lines);
    }

    /** The next line without its line feed, as much as is there of the last one; null at the end. */
    private @Nullable String line() throws IOException {
        ByteArrayOutputStream line = new ByteArrayOutputStream();
        int b;
        lines++;
        while ((b = in.read()) >= 0 && b != '\n') {
            if (line.size() == longest)
                throw new IOException("line " + lines + " of the recording is longer than " + longest
                        + " bytes: longer messages need a --limit");
            line.write(b);
        }
        terminated = b >= 0;
        return terminated || line.size() > 0 || lines == 1 ? line.toString(StandardCharsets.UTF_8) : null;
    }

    static String heading(Instant start) {
        return MAGIC + " " + VERSION + " " + order(ByteOrder.nativeOrder()) + " " + start + "\n";
    }

    private static String order(ByteOrder order) {
        return order == ByteOrder.BIG_ENDIAN ? "big-endian" : "little-endian";
    }

    private static Event event(List<String> words) {
        if (words.size() < 4)
            throw new IllegalArgumentException("TIME CONNECTION DIRECTION KIND, not " + words.size() + " words");
        String time = wanted(words.get(0), "\\d{1,10}\\.\\d{9}", "a time is SECONDS.NANOSECONDS with 9 digits");
        long nanos = number(time.replace(".", ""), Long.MAX_VALUE);
        int connection = (int) number(wanted(words.get(1), "\\d{1,10}", "a connection is a number"),
                Integer.MAX_VALUE);
        Kind kind = Kind.valueOf(
                wanted(words.get(3), "message|bytes|end|note", "an event is a message, bytes, an end or a note")
                        .toUpperCase(Locale.ROOT));
        WireFormat format = WireFormat.MODERN;
        List<String> descriptors = new ArrayList<>();
        String note = "";
        byte[] bytes = {};
        for (String word : words.subList(4, words.size())) {
            if (word.startsWith("fd="))
                descriptors.add(word.substring(3));
            else if (word.startsWith("note="))
                note = word.substring(5);
            else if (word.equals("classic") || word.equals("modern"))
                format = WireFormat.valueOf(word.toUpperCase(Locale.ROOT));
            else
                bytes = hex(word);
        }
        return new Event(nanos, connection, Direction.of(words.get(2)), kind, format, bytes,
                descriptors, note);
    }

    /** Of digits, no more than a long has. */
    private static long number(String digits, long most) {
        long value = Long.parseUnsignedLong(digits);
        if (Long.compareUnsigned(value, most) > 0)
            throw new IllegalArgumentException("a number is at most " + most + ", not " + digits);
        return value;
    }

    private static byte[] hex(String word) {
        try {
            return HexFormat.of().parseHex(word);
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException(
                    "bytes have two hexadecimal digits each, and " + word.length() + " characters have not", e);
        }
    }

    private static String wanted(String word, String pattern, String what) {
        if (!word.matches(pattern))
            throw new IllegalArgumentException(what + ", not " + word);
        return word;
    }

    /** The words of a line; a part in quotes may have spaces in it. */
    static List<String> words(String line) {
        List<String> words = new ArrayList<>();
        ByteArrayOutputStream word = new ByteArrayOutputStream();
        boolean quoted = false;
        boolean any = false;
        byte[] bytes = line.getBytes(StandardCharsets.UTF_8);
        for (int i = 0; i < bytes.length; i++) {
            byte b = bytes[i];
            if (quoted && b == '\\') {
                if (i + 1 < bytes.length && bytes[i + 1] == 'x') {
                    word.write(HexFormat.fromHexDigits(line(bytes, i + 2, i + 4)));
                    i += 3;
                } else if (++i < bytes.length) {
                    word.write(bytes[i]);
                }
            } else if (b == '"') {
                quoted = !quoted;
                any = true;
            } else if (b == ' ' && !quoted) {
                if (any)
                    words.add(word.toString(StandardCharsets.UTF_8));
                if (words.size() > MOST_WORDS)
                    throw new IllegalArgumentException("an event has at most " + MOST_WORDS + " words");
                word.reset();
                any = false;
            } else {
                word.write(b);
                any = true;
            }
        }
        if (quoted)
            throw new IllegalArgumentException("a quote is not closed");
        if (any)
            words.add(word.toString(StandardCharsets.UTF_8));
        return words;
    }

    private static String line(byte[] bytes, int from, int to) {
        if (to > bytes.length)
            throw new IllegalArgumentException("\\x needs two hexadecimal digits");
        return new String(bytes, from, to - from, StandardCharsets.US_ASCII);
    }
}
