package org.imsg.harness.record;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * What passed over one or more connections.
 *
 * <p>As text, version 1. First line: {@code imsg-recording 1 little-endian TIME}, the byte order of the messages and the start in
 * ISO-8601. Each further line is an event, empty ones and those that begin with {@code #} are not:
 *
 * <pre>
 * SECONDS.NANOSECONDS CONNECTION DIRECTION message FORMAT [fd="WHAT"]... HEX
 * SECONDS.NANOSECONDS CONNECTION DIRECTION bytes [fd="WHAT"]... [note="WHY"] HEX
 * SECONDS.NANOSECONDS CONNECTION DIRECTION end
 * SECONDS.NANOSECONDS CONNECTION - note note="TEXT"
 * </pre>
 *
 * DIRECTION is {@code >} to the server or {@code <} to the client, FORMAT {@code classic} or {@code modern}, WHAT the file behind
 * a descriptor in words. In quotes {@code \"}, {@code \\} and {@code \xNN} stand for bytes.
 *
 * <p>As pcapng, link type LINKTYPE_USER0 (147), each event is a packet; the first 16 bytes of its data are, numbers big-endian:
 *
 * <pre>
 *  0 u8  version 1
 *  1 u8  0 message, 1 bytes, 2 end, 3 note
 *  2 u8  0 to the server, 1 to the client, 2 neither
 *  3 u8  0 classic, 1 modern
 *  4 u8  byte order of the message: 0 little-endian, 1 big-endian
 *  5 u8  number of descriptors
 *  6 u16 length of the text behind this prefix, its low 16 bits: what the descriptors are, one a line, then the note
 *  8 u32 connection
 * 12 u32 the length's higher bits, 0 but for huge texts
 * </pre>
 *
 * Then comes the text, in UTF-8, then the bytes as they were on the wire. In a descriptor's line {@code \x0a} is a line feed and {@code \x5c}
 * a backslash. {@code imsg.lua} shows them in Wireshark, which reads no packet of more than 262144 bytes.
 *
 * @param start when it began
 * @param events in the order they were seen
 */
public record Recording(Instant start, List<Event> events) {
    /** Takes a copy of the list. */
    public Recording {
        events = List.copyOf(events);
    }

    /**
     * Reads a recording of either kind; which it is, its first bytes tell.
     *
     * @param file the file
     * @return what is in it
     * @throws IOException if it cannot be read, or is no recording; the message says at which line or byte
     */
    public static Recording read(Path file) throws IOException {
        return read(file, EventReader.USUAL_LIMIT);
    }

    /**
     * Reads a recording of either kind, which may have longer messages.
     *
     * @param file the file
     * @param limit the longest message in bytes with its header, but {@link EventReader#USUAL_LIMIT} at least
     * @return what is in it
     * @throws IOException as above
     */
    public static Recording read(Path file, int limit) throws IOException {
        try (InputStream in = Files.newInputStream(file)) {
            return read(in, limit);
        }
    }

    /**
     * Reads a recording of either kind.
     *
     * @param file all bytes of the file
     * @return what is in it
     * @throws IOException if it is no recording; the message says at which line or byte
     */
    public static Recording read(byte[] file) throws IOException {
        return read(new ByteArrayInputStream(file), EventReader.USUAL_LIMIT);
    }

    private static Recording read(InputStream in, int limit) throws IOException {
        EventReader reader = EventReader.of(in, limit);
        List<Event> events = new ArrayList<>();
        for (Event event; (event = reader.next()) != null;)
            events.add(event);
        return new Recording(reader.start(), events);
    }

    /**
     * A request that its daemon answers: the first that a client began with, or said to a greeting, and got a message for.
     *
     * @return the request; empty if there is none
     */
    public Optional<Event> answeredRequest() {
        Map<Integer, List<Event>> connections = events.stream().filter(event -> event.kind() != Event.Kind.NOTE)
                .collect(Collectors.groupingBy(Event::connection, LinkedHashMap::new, Collectors.toList()));
        return connections.values().stream()
                .map(said -> said.stream()
                        .dropWhile(event -> event.isMessage() && event.direction() == Direction.TO_CLIENT).toList())
                .filter(said -> said.size() > 1 && said.get(0).isMessage()
                        && said.get(0).direction() == Direction.TO_SERVER && said.get(1).isMessage()
                        && said.get(1).direction() == Direction.TO_CLIENT)
                .map(List::getFirst).findFirst();
    }

    /**
     * Writes the recording, as pcapng if the file's name ends with {@code .pcapng} and as text otherwise.
     *
     * @param file the file; replaced
     * @throws IOException if it cannot be written
     */
    public void write(Path file) throws IOException {
        try (Recorder recorder = Recorder.to(file, start)) {
            for (Event event : events)
                recorder.add(event);
        }
    }
}
