package org.imsg.harness.record;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Writes events to a file as they come. Safe for several threads; the file is complete up to the last {@link #flush()}. When no
 * more can be written, as on a full disk, the file ends with the last event that fits.
 */
public final class Recorder implements AutoCloseable {
    private static final int MOST_BUFFERED = 1 << 16;

    private final Path file;
    private final FileChannel out;
    private final ByteArrayOutputStream buffer = new ByteArrayOutputStream();
    /** Where in the file each event in the buffer ends. */
    private final List<Long> ends = new ArrayList<>();
    /** Up to where the file has whole events. */
    private long whole;
    private @Nullable IOException failure;
    private final boolean pcapng;
    private final Instant start;

    private Recorder(Path file, FileChannel out, boolean pcapng, Instant start) {
        this.file = file;
        this.out = out;
        this.pcapng = pcapng;
        this.start = start;
    }

    /**
     * Begins a recording now.
     *
     * @param file the file, replaced; pcapng if its name ends with {@code .pcapng}, text otherwise
     * @return the recorder
     * @throws IOException if it cannot be written; the message names the file and says why, here and below
     */
    public static Recorder to(Path file) throws IOException {
        return to(file, Instant.now());
    }

    /**
     * Begins a recording.
     *
     * @param file as above
     * @param start the time that the events' times count from
     * @return the recorder
     * @throws IOException as above
     */
    public static Recorder to(Path file, Instant start) throws IOException {
        boolean pcapng = file.toString().endsWith(".pcapng");
        try {
            Recorder recorder = new Recorder(file, FileChannel.open(file, StandardOpenOption.CREATE,
                    StandardOpenOption.TRUNCATE_EXISTING, StandardOpenOption.WRITE), pcapng, start);
            recorder.append(pcapng ? PcapngFormat.heading() : text(TextFormat.heading(start)));
            return recorder;
        } catch (IOException e) {
            throw new UnwritableFileException("recording", file, e);
        }
    }

    /**
     * Writes an event.
     *
     * @param event what happened
     * @throws IOException if it cannot be written
     */
    public synchronized void add(Event event) throws IOException {
        append(pcapng ? PcapngFormat.packet(start, event) : text(event + "\n"));
        if (buffer.size() > MOST_BUFFERED)
            flush();
    }

    private void append(byte[] bytes) {
        buffer.writeBytes(bytes);
        ends.add(whole + buffer.size());
    }

    /**
     * Gives everything to the system.
     *
     * @throws IOException if it cannot be written, now or earlier
     */
    public synchronized void flush() throws IOException {
        if (failure != null)
            throw failure;
        ByteBuffer bytes = ByteBuffer.wrap(buffer.toByteArray());
        try {
            while (bytes.hasRemaining())
                out.write(bytes);
            whole += bytes.position();
        } catch (IOException e) {
            IOException told = new UnwritableFileException("recording", file, e);
            failure = told;
            keepWhole(whole + bytes.position(), told);
            throw told;
        } finally {
            buffer.reset();
            ends.clear();
        }
    }

    /** Takes back the part of an event that was written last. */
    private void keepWhole(long written, IOException failed) {
        long end = ends.stream().mapToLong(Long::longValue).filter(at -> at <= written).max().orElse(whole);
        try {
            out.truncate(end);
        } catch (IOException e) {
            failed.addSuppressed(e);
        }
    }

    /**
     * Completes the file and closes it.
     *
     * @throws IOException if it cannot be written; not if that was told before
     */
    @Override
    public synchronized void close() throws IOException {
        try (out) {
            if (failure == null)
                flush();
        } catch (IOException e) {
            throw e == failure ? e : new UnwritableFileException("recording", file, e);
        }
    }

    private static byte[] text(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }
}
