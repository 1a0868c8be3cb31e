package org.imsg.harness.fuzz;

import java.io.IOException;
import java.net.SocketTimeoutException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.imsg.WireFormat;
import org.imsg.harness.record.Conversation;
import org.imsg.harness.record.Direction;
import org.imsg.harness.record.Event;
import org.imsg.harness.stream.RawSocket;
import org.imsg.unix.ErrnoException;
import org.imsg.unix.Fd;
import org.jspecify.annotations.Nullable;

/**
 * A daemon to be fuzzed, and how to see whether it is well: it can be connected to, answers a request if it answered it before, and
 * never sends what is no message.
 */
final class FuzzTarget {
    private static final Duration SILENCE = Duration.ofMillis(10);
    private static final Duration GREETED = Duration.ofMillis(250);
    private static final Duration READ = Duration.ofSeconds(1);
    private static final int MOST = 1000;

    private final Path socket;
    private final Event request;
    private final Duration patience;
    private final @Nullable Restart restart;
    private @Nullable Event answer;
    /** How many messages a client gets that has said nothing, and how long an answer takes. */
    private int greeting;
    private Duration time = Duration.ZERO;

    /** The request is sent to see whether the daemon is well; restart may be null. */
    FuzzTarget(Path socket, Event request, Duration patience, @Nullable Restart restart) {
        this.socket = socket;
        this.request = request;
        this.patience = patience;
        this.restart = restart;
    }

    /** Learns whether the request is answered; throws if there is no daemon. */
    void examine() throws IOException {
        try (Conversation daemon = connect()) {
            greeting = greeting(daemon);
            long start = System.nanoTime();
            daemon.send(request, List.of(), patience);
            try (Conversation.Received received = daemon.receive(patience)) {
                answer = received.event().isMessage() ? received.event() : null;
            }
            time = Duration.ofNanos(System.nanoTime() - start);
        } catch (SocketTimeoutException _) {
            answer = null;
        }
    }

    private static int greeting(Conversation daemon) throws IOException {
        int count = 0;
        try {
            for (; count < MOST; count++)
                try (Conversation.Received received = daemon.receive(GREETED)) {
                    if (!received.event().isMessage())
                        return count;
                }
        } catch (SocketTimeoutException _) {
            // it waits for a request
        }
        return count;
    }

    /** The first event behind the greeting. */
    private Event answer(Conversation daemon, Duration patient) throws IOException {
        for (int left = greeting;; left--)
            try (Conversation.Received received = daemon.receive(patient)) {
                if (left == 0 || !received.event().isMessage())
                    return received.event();
            }
    }

    /** The request and the first message of its answer, of which a daemon that is well can be known; empty if there is no answer. */
    List<Event> question() {
        return answer == null ? List.of() : List.of(request, answer);
    }

    int requestType() {
        return request.type();
    }

    WireFormat format() {
        return request.format();
    }

    private Conversation connect() throws IOException {
        WireFormat format = request.format();
        return new Conversation(RawSocket.connect(socket), Direction.TO_SERVER, format,
                format == WireFormat.CLASSIC ? 0xFFFF : 1 << 24, _ -> {
                    // nothing is recorded
                });
    }

    /** Says all that to the daemon; returns its fault afterwards, empty if there is none. */
    String run(List<Event> events) {
        String said;
        try {
            said = say(events);
        } catch (IOException e) {
            said = "";
        }
        return said.isEmpty() ? complaint(patience.plus(time.multipliedBy(events.size()))) : said;
    }

    private String say(List<Event> events) throws IOException {
        try (Conversation daemon = connect()) {
            try {
                for (Event event : events)
                    send(daemon, event);
            } catch (ErrnoException | SocketTimeoutException _) {
                // it closed the connection, as is its right
            }
            return listen(daemon);
        }
    }

    private void send(Conversation daemon, Event event) throws IOException {
        List<Fd> descriptors = new ArrayList<>();
        try {
            for (String _ : event.descriptors()) {
                Fd.Pair pipe = Fd.pipe();
                pipe.second().close();
                descriptors.add(pipe.first());
            }
            if (event.kind() == Event.Kind.END)
                daemon.end();
            else
                daemon.socket().send(event.bytes(), descriptors, patience);
            daemon.socket().awaitRead(READ); // the next event is another read, each time
        } finally {
            descriptors.forEach(Fd::close);
        }
    }

    private String listen(Conversation daemon) throws IOException {
        long start = System.nanoTime();
        try {
            while (System.nanoTime() - start < patience.toNanos()) {
                try (Conversation.Received received = daemon.receive(SILENCE)) {
                    if (received.event().kind() == Event.Kind.END)
                        return "";
                    boolean cut = received.event().note().contains("ends inside");
                    if (received.event().kind() == Event.Kind.BYTES && !cut)
                        return "the daemon sent what is no message: " + received.event().note();
                }
            }
        } catch (SocketTimeoutException _) {
            // it has said what it had to say
        }
        return "";
    }

    /** Asks twice: a daemon that dies of the end of a connection may answer another before it comes to that. */
    private String complaint(Duration patient) {
        String complaint = answered(patient);
        return complaint.isEmpty() ? answered(patient) : complaint;
    }

    /** A daemon that answers one after the other may have much to answer before. */
    private String answered(Duration patient) {
        try (Conversation daemon = connect()) {
            daemon.send(request, List.of(), patience);
            if (answer == null)
                return "";
            return answer(daemon, patient).isMessage() ? "" : "a new client's connection is closed without an answer";
        } catch (SocketTimeoutException _) {
            return "a new client is not answered within " + patient.toMillis() + " ms";
        } catch (IOException e) {
            return "no client can connect: " + e.getMessage();
        }
    }

    boolean canRestart() {
        return restart != null;
    }

    /** Starts the daemon anew and waits until it is well. */
    void restart() throws IOException, InterruptedException {
        restart.run();
        long deadline = System.nanoTime() + Duration.ofSeconds(20).toNanos();
        for (String complaint; !(complaint = complaint(patience)).isEmpty();) {
            if (System.nanoTime() > deadline)
                throw new IOException("the daemon is not well 20 s after its restart: " + complaint);
            Thread.sleep(SILENCE);
        }
    }
}
