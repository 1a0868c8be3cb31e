package org.imsg.harness.record;

import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Arrays;
import org.imsg.WireFormat;
import org.jspecify.annotations.Nullable;

/**
 * Reads a recording of either kind event by event, as it comes; {@link Recording} has their description. It takes no more memory
 * than one event, and one has a bound. Not safe for several threads.
 */
public final class EventReader {
    /** The longest message of a recording, with its header, where nothing else is said. */
    public static final int USUAL_LIMIT = 1 << 24;

    private static final byte[] MAGIC = TextFormat.MAGIC.getBytes(StandardCharsets.US_ASCII);

    private final EventSource source;

    private EventReader(EventSource source) {
        this.source = source;
    }

    /**
     * Reads a recording; its first bytes tell which kind it is.
     *
     * @param in the bytes of its file; the caller closes it
     * @param limit the longest message in bytes with its header, but {@link #USUAL_LIMIT} at least
     * @return the reader
     * @throws IOException if it cannot be read, or begins as no recording does
     */
    public static EventReader of(InputStream in, int limit) throws IOException {
        InputStream buffered = new BufferedInputStream(in);
        int longest = Math.max(limit, USUAL_LIMIT);
        return new EventReader(isPcapng(first(buffered))
                ? new PcapngFormat(buffered, longest)
                : new TextFormat(buffered, longest));
    }

    /**
     * Reads a recording, or the bytes of one direction of a connection that were saved without anything else.
     *
     * @param in the bytes; the caller closes it
     * @param format the format of saved bytes, or AUTO
     * @param limit the longest message in bytes with its header; of a recording, {@link #USUAL_LIMIT} at least
     * @return the reader
     * @throws IOException if it cannot be read
     */
    public static EventReader of(InputStream in, WireFormat format, int limit) throws IOException {
        InputStream buffered = new BufferedInputStream(in);
        byte[] first = first(buffered);
        return isPcapng(first) || Arrays.equals(first, MAGIC)
                ? of(buffered, limit)
                : new EventReader(new SavedStream(buffered, format, limit));
    }

    private static byte[] first(InputStream buffered) throws IOException {
        buffered.mark(MAGIC.length);
        byte[] first = buffered.readNBytes(MAGIC.length);
        buffered.reset();
        return first;
    }

    private static boolean isPcapng(byte[] first) {
        return first.length >= 4 && ByteBuffer.wrap(first).getInt() == PcapngFormat.SECTION_HEADER;
    }

    /** {@return when the recording began; known after the first {@link #next()}} */
    public Instant start() {
        return source.start();
    }

    /**
     * The next event.
     *
     * @return the event; null at the end
     * @throws IOException if the file is cut or damaged here, or has a longer message; the message says at which line or byte
     */
    public @Nullable Event next() throws IOException {
        return source.next();
    }
}
