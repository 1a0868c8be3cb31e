package org.imsg.harness.record;

import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;

/** Writes events to a file as they come. Safe for several threads; the file is complete up to the last {@link #flush}. */
public final class Recorder implements AutoCloseable {
    private final OutputStream out;
    private final boolean pcapng;
    private final Instant start;
    private final long origin = System.nanoTime();

    private Recorder(OutputStream out, boolean pcapng, Instant start) {
        this.out = out;
        this.pcapng = pcapng;
        this.start = start;
    }

    /**
     * Begins a recording now.
     *
     * @param file
     *            the file, replaced; pcapng if its name ends with {@code .pcapng}, text otherwise
     * @return the recorder
     * @throws IOException
     *             if it cannot be written
     */
    public static Recorder to(Path file) throws IOException {
        return to(file, Instant.now());
    }

    static Recorder to(Path file, Instant start) throws IOException {
        boolean pcapng = file.toString().endsWith(".pcapng");
        OutputStream out = new BufferedOutputStream(Files.newOutputStream(file));
        boolean begun = false;
        try {
            out.write(pcapng ? PcapngFormat.heading() : text(TextFormat.heading(start)));
            begun = true;
            return new Recorder(out, pcapng, start);
        } finally {
            if (!begun)
                out.close();
        }
    }

    /** {@return nanoseconds since the recording began, for new events} */
    public long now() {
        return System.nanoTime() - origin;
    }

    /**
     * Writes an event.
     *
     * @param event
     *            what happened
     * @throws IOException
     *             if it cannot be written
     */
    public synchronized void add(Event event) throws IOException {
        out.write(pcapng ? PcapngFormat.packet(start, event) : text(TextFormat.line(event) + "\n"));
    }

    /**
     * Gives everything to the system.
     *
     * @throws IOException
     *             if it cannot be written
     */
    public synchronized void flush() throws IOException {
        out.flush();
    }

    @Override
    public synchronized void close() throws IOException {
        out.close();
    }

    private static byte[] text(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }
}
