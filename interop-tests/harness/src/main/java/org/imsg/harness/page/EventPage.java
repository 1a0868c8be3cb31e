package org.imsg.harness.page;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Base64;
import java.util.Objects;
import org.imsg.harness.describe.EventJson;
import org.imsg.harness.describe.JsonObject;
import org.imsg.harness.describe.ProtocolDescription;
import org.imsg.harness.record.Event;
import org.imsg.harness.record.UnwritableFileException;
import org.jspecify.annotations.Nullable;

/**
 * Writes events as a sequence diagram: one HTML file that needs nothing else, with all that passed as data in it. The file is whole after
 * each {@link #flush()}, and on a full disk has the events that fit. Nothing that a peer sends becomes markup or script: it is data in
 * the file, text in the document, and the page's own policy allows no script but its own. Safe for several threads.
 */
public final class EventPage implements AutoCloseable {
    private static final int MOST_BUFFERED = 1 << 16;
    private static final byte[] TAIL = utf8("\n]</script>\n</body>\n</html>\n");

    private final Path file;
    private final FileChannel out;
    private final EventJson objects;
    private final StringBuilder buffer = new StringBuilder();
    /** Where the events end, and the tail begins. */
    private long end;
    private boolean empty = true;
    private @Nullable IOException failure;

    private EventPage(Path file, FileChannel out, ProtocolDescription protocol) {
        this.file = file;
        this.out = out;
        this.objects = new EventJson(protocol);
    }

    /**
     * Begins a page.
     *
     * @param file the file, replaced
     * @param title the heading, any text
     * @param protocol names of types and fields
     * @return the page, without events yet
     * @throws IOException if it cannot be written; the message names the file and says why, here and below
     */
    public static EventPage to(Path file, String title, ProtocolDescription protocol) throws IOException {
        return to(file, title, protocol, false);
    }

    /**
     * Begins a page to which events are added while it is looked at: it offers to load itself anew until it is closed.
     *
     * @param file the file, replaced
     * @param title the heading, any text
     * @param protocol names of types and fields
     * @return the page, without events yet
     * @throws IOException as above
     */
    public static EventPage live(Path file, String title, ProtocolDescription protocol) throws IOException {
        return to(file, title, protocol, true);
    }

    private static EventPage to(Path file, String title, ProtocolDescription protocol, boolean live)
            throws IOException {
        try {
            EventPage page = new EventPage(file, FileChannel.open(file, StandardOpenOption.CREATE,
                    StandardOpenOption.TRUNCATE_EXISTING, StandardOpenOption.WRITE), protocol);
            try {
                page.write(utf8(heading(title, live)));
                return page;
            } catch (IOException e) {
                page.out.close();
                throw e;
            }
        } catch (IOException e) {
            throw new UnwritableFileException("page", file, e);
        }
    }

    private static String heading(String title, boolean live) throws IOException {
        String style = resource("page.css");
        String script = resource("page.js");
        String text = title.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\"", "&quot;");
        StringBuilder page = new StringBuilder();
        String[] parts = resource("page.html").split("@", -1);
        for (int i = 0; i < parts.length; i++)
            page.append(i % 2 == 0 ? parts[i] : switch (parts[i]) {
                case "TITLE" -> text;
                case "LIVE" -> String.valueOf(live);
                case "STYLE" -> style;
                case "SCRIPT" -> script;
                case "STYLE-HASH" -> hash(style);
                case "SCRIPT-HASH" -> hash(script);
                default -> throw new IllegalStateException("the page has no " + parts[i]);
            });
        return page.toString();
    }

    private static String resource(String name) throws IOException {
        try (InputStream in = Objects.requireNonNull(EventPage.class.getResourceAsStream(name), name)) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        }
    }

    /** As a content security policy names a script. */
    private static String hash(String text) {
        try {
            return "sha256-"
                    + Base64.getEncoder().encodeToString(MessageDigest.getInstance("SHA-256").digest(utf8(text)));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }

    /**
     * Adds an event.
     *
     * @param event what happened
     * @throws IOException if it cannot be written
     */
    public synchronized void add(Event event) throws IOException {
        append(objects.text(event));
    }

    /**
     * Adds a fault of what is shown, such as that the recording is cut.
     *
     * @param nanos when, in nanoseconds since the beginning
     * @param what the fault
     * @throws IOException if it cannot be written
     */
    public synchronized void addFault(long nanos, String what) throws IOException {
        append(new JsonObject().number("time", String.valueOf(nanos / 1e9)).number("connection", "0")
                .string("kind", "note").string("note", what).string("fault", what).toString());
    }

    /** In a script element only {@code <} could end it, or begin another; in JSON that is in strings only. */
    private void append(String object) throws IOException {
        buffer.append(empty ? "" : ",\n").append(object.replace("<", "\\u003c"));
        empty = false;
        if (buffer.length() > MOST_BUFFERED)
            flush();
    }

    /**
     * Gives everything to the system.
     *
     * @throws IOException if it cannot be written, now or earlier
     */
    public synchronized void flush() throws IOException {
        if (failure != null)
            throw failure;
        byte[] events = utf8(buffer.toString());
        buffer.setLength(0);
        try {
            write(events);
        } catch (IOException e) {
            IOException told = new UnwritableFileException("page", file, e);
            failure = told;
            throw told;
        }
    }

    /** Writes events and the tail over the last tail; if there is no room for them, that tail again. */
    private void write(byte[] events) throws IOException {
        try {
            writeAt(end, ByteBuffer.allocate(events.length + TAIL.length).put(events).put(TAIL).flip());
            end += events.length;
        } catch (IOException e) {
            try {
                writeAt(end, ByteBuffer.wrap(TAIL));
                out.truncate(end + TAIL.length);
            } catch (IOException again) {
                e.addSuppressed(again);
            }
            throw e;
        }
    }

    private void writeAt(long position, ByteBuffer bytes) throws IOException {
        for (long at = position; bytes.hasRemaining();)
            at += out.write(bytes, at);
    }

    /**
     * Completes the file and closes it.
     *
     * @throws IOException if it cannot be written; not if that was told before
     */
    @Override
    public synchronized void close() throws IOException {
        try (out) {
            if (failure == null) {
                append(new JsonObject().string("kind", "closed").toString());
                flush();
            }
        }
    }

    private static byte[] utf8(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }
}
