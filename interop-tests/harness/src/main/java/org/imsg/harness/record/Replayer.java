package org.imsg.harness.record;

import java.io.IOException;
import java.net.SocketTimeoutException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;
import org.imsg.WireFormat;
import org.imsg.harness.stream.RawSocket;
import org.imsg.unix.ErrnoException;
import org.imsg.unix.Fd;
import org.imsg.unix.OpenFlag;

/** Says to a daemon what a client said in a recording, and compares the answers. */
public final class Replayer {
    /** How far answers must be as they were recorded. */
    public enum ComparedPart {
        /** Anything may come, and the daemon may close the connection before all is said. */
        NOTHING,
        /** As many messages, of the same types in the same order. */
        TYPES,
        /** The same types and payloads. */
        PAYLOADS
    }

    /** A daemon may send news without end. */
    private static final Duration LONGEST = Duration.ofSeconds(10);

    private final Path socket;
    private final ComparedPart comparison;
    private final Duration patience;

    /**
     * A replayer to a socket.
     *
     * @param socket the daemon's socket
     * @param comparison how answers are compared
     * @param patience how long an answer may take
     */
    public Replayer(Path socket, ComparedPart comparison, Duration patience) {
        this.socket = socket;
        this.comparison = comparison;
        this.patience = patience;
    }

    /**
     * Replays one connection. Each message is sent when the answers recorded before it have come. For a descriptor that was a file
     * the file is opened again to be read, for another the end of an empty pipe is sent. Where the recording ends with what the
     * client said, what the daemon says then is looked at: bytes that are no message are a difference.
     *
     * @param recording the recording
     * @param connection which of its connections
     * @param witness is told what passes now
     * @return the differences, each in a sentence; empty if there are none
     * @throws IOException if it cannot connect
     */
    public List<String> replay(Recording recording, int connection, Consumer<Event> witness) throws IOException {
        List<Event> events = recording.events().stream()
                .filter(event -> event.connection() == connection && event.direction() != Direction.NONE).toList();
        if (events.isEmpty())
            throw new IOException("the recording has no connection " + connection);
        WireFormat format = events.stream().filter(Event::isMessage).map(Event::format).findFirst()
                .orElse(WireFormat.MODERN);
        int longest = events.stream().mapToInt(event -> event.bytes().length).max().orElse(0);
        int limit = Math.max(StreamDecoder.USUAL_LIMIT, longest);
        WireFormat read = limit > StreamDecoder.USUAL_LIMIT ? format : WireFormat.AUTO;
        List<String> differences = new ArrayList<>();
        try (Conversation daemon = new Conversation(RawSocket.connect(socket), Direction.TO_SERVER, read, limit,
                witness)) {
            boolean open = true;
            for (int i = 0; i < events.size() && differences.isEmpty() && open; i++) {
                Event event = events.get(i);
                if (event.direction() == Direction.TO_SERVER)
                    open = send(daemon, event, i, differences);
                else if (comparison != ComparedPart.NOTHING)
                    receive(daemon, event, i, differences);
            }
            boolean unasked = events.getLast().direction() == Direction.TO_SERVER;
            boolean wellBefore = events.stream()
                    .noneMatch(event -> event.direction() == Direction.TO_CLIENT && event.kind() == Event.Kind.BYTES);
            if (differences.isEmpty() && (unasked || comparison == ComparedPart.NOTHING))
                drain(daemon, wellBefore ? differences : new ArrayList<>());
        }
        return differences;
    }

    /** Returns false if the daemon reads no more; where nothing is compared, that is its right. */
    private boolean send(Conversation daemon, Event event, int index, List<String> differences) throws IOException {
        List<Fd> descriptors = new ArrayList<>();
        try {
            for (String what : event.descriptors())
                if (!what.equals("lost"))
                    descriptors.add(open(what));
            daemon.send(event, descriptors, patience);
            return true;
        } catch (ErrnoException | SocketTimeoutException e) {
            if (comparison != ComparedPart.NOTHING)
                differences.add("event " + (index + 1) + " cannot be sent: " + e.getMessage());
            return false;
        } finally {
            descriptors.forEach(Fd::close);
        }
    }

    private static Fd open(String what) throws IOException {
        Path file = what.startsWith("/") ? Path.of(what) : null;
        if (file != null && Files.isRegularFile(file) && Files.isReadable(file))
            return Fd.open(file, OpenFlag.READ);
        Fd.Pair pipe = Fd.pipe();
        pipe.second().close();
        return pipe.first();
    }

    private void receive(Conversation daemon, Event expected, int index, List<String> differences) throws IOException {
        try (Conversation.Received received = daemon.receive(patience)) {
            String difference = difference(expected, received.event());
            if (!difference.isEmpty())
                differences.add("event " + (index + 1) + ": " + difference);
        } catch (SocketTimeoutException _) {
            differences.add("event " + (index + 1) + ": nothing came within " + patience.toMillis() + " ms instead of "
                    + words(expected));
        }
    }

    private String difference(Event expected, Event actual) {
        boolean same = expected.kind() == actual.kind() && (!expected.isMessage() || expected.type() == actual.type());
        if (!same)
            return words(actual) + " came instead of " + words(expected);
        if (!expected.isMessage())
            return "";
        if (expected.descriptors().size() != actual.descriptors().size())
            return words(actual) + " came with " + actual.descriptors().size() + " descriptors instead of "
                    + expected.descriptors().size();
        if (comparison == ComparedPart.TYPES)
            return "";
        int at = Arrays.mismatch(expected.payload(), actual.payload());
        return at < 0
                ? ""
                : words(actual) + " came with another payload from byte " + at + " on";
    }

    private static String words(Event event) {
        return switch (event.kind()) {
            case MESSAGE -> "a message of type " + Integer.toUnsignedString(event.type()) + " with "
                    + (event.bytes().length - 16) + " bytes";
            case BYTES -> event.bytes().length + " bytes that are no message";
            case END -> "the end of the stream";
            case NOTE -> "a note";
        };
    }

    /** Bytes that are no message are a difference, whatever is compared: no client could go on. */
    private void drain(Conversation daemon, List<String> differences) throws IOException {
        long start = System.nanoTime();
        try {
            while (System.nanoTime() - start < LONGEST.toNanos()) {
                try (Conversation.Received received = daemon.receive(patience)) {
                    if (received.event().kind() == Event.Kind.END)
                        return;
                    if (received.event().kind() == Event.Kind.BYTES) {
                        differences.add("the daemon sent what is no message: " + received.event().note());
                        return;
                    }
                }
            }
        } catch (SocketTimeoutException _) {
            // it has said what it had to say
        }
    }
}
