package org.imsg.harness.record;

import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Instant;

/** Writes events to a file as they come. Safe for several threads; the file is complete up to the last {@link #flush()}. */
public final class Recorder implements AutoCloseable {
    private final Path file;
    private final OutputStream out;
    private final boolean pcapng;
    private final Instant start;
    private final long origin = System.nanoTime();

    private Recorder(Path file, OutputStream out, boolean pcapng, Instant start) {
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
            OutputStream out = new BufferedOutputStream(Files.newOutputStream(file));
            out.write(pcapng ? PcapngFormat.heading() : text(TextFormat.heading(start))); // fits into the buffer
            return new Recorder(file, out, pcapng, start);
        } catch (IOException e) {
            throw unwritable(file, e);
        }
    }

    private static IOException unwritable(Path file, IOException e) {
        String why = switch (e) {
            case NoSuchFileException _ -> "there is no such directory";
            case AccessDeniedException _ -> "permission denied";
            case FileSystemException system when system.getReason() != null -> system.getReason();
            default -> e.getMessage();
        };
        return new IOException("the recording " + file + " cannot be written: " + why, e);
    }

    /** {@return nanoseconds since the recording began, for new events} */
    public long now() {
        return System.nanoTime() - origin;
    }

    /**
     * Writes an event.
     *
     * @param event what happened
     * @throws IOException if it cannot be written
     */
    public synchronized void add(Event event) throws IOException {
        try {
            out.write(pcapng ? PcapngFormat.packet(start, event) : text(event + "\n"));
        } catch (IOException e) {
            throw unwritable(file, e);
        }
    }

    /**
     * Gives everything to the system.
     *
     * @throws IOException if it cannot be written
     */
    public synchronized void flush() throws IOException {
        try {
            out.flush();
        } catch (IOException e) {
            throw unwritable(file, e);
        }
    }

    /**
     * Completes the file and closes it.
     *
     * @throws IOException if it cannot be written
     */
    @Override
    public synchronized void close() throws IOException {
        try {
            out.close();
        } catch (IOException e) {
            throw unwritable(file, e);
        }
    }

    private static byte[] text(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }
}
