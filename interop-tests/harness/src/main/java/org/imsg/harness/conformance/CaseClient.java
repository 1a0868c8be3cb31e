package org.imsg.harness.conformance;

import java.io.IOException;
import java.net.SocketTimeoutException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.imsg.harness.record.Conversation;
import org.imsg.harness.record.Direction;
import org.imsg.harness.record.Event;
import org.imsg.harness.stream.RawSocket;
import org.imsg.unix.ErrnoException;
import org.imsg.unix.Fd;

/** A client's connection in a case. Its pid is no other's, for some daemons send their answers by that. */
final class CaseClient implements AutoCloseable {
    private static final AtomicInteger NEXT_PID = new AtomicInteger(
            0x2000_0000 + (int) (ProcessHandle.current().pid() & 0xFFFF) * 0x1000);

    private static final Duration SETTLED = Duration.ofMillis(250);
    /** What a daemon says without a pause ends before that. */
    private static final int MOST_BYTES = 64 << 20;
    private static final Duration LONGEST = Duration.ofMinutes(1);

    final int pid = NEXT_PID.incrementAndGet();
    private final Target target;
    private final Manner manner;
    private final Conversation conversation;
    private int greeting;
    private boolean cutOff;
    private boolean ended;
    private long last;

    /** What a case found wrong. */
    static final class Failed extends Exception {
        private static final long serialVersionUID = 1;

        Failed(String message) {
            super(message);
        }
    }

    /** The daemon closed the connection where an answer belongs. */
    static final class Closed extends Exception {
        private static final long serialVersionUID = 1;

        Closed(String message) {
            super(message);
        }
    }

    CaseClient(Target target, Manner manner) throws IOException {
        this.target = target;
        this.manner = manner;
        this.greeting = manner.greeting();
        int limit = Math.max(target.limit(), 0xFFFF);
        conversation = new Conversation(RawSocket.connect(target.socket()), Direction.TO_SERVER, target.format(), limit,
                _ -> {
                    // nothing is recorded
                });
    }

    void request() throws IOException {
        send(requestBytes());
    }

    byte[] requestBytes() {
        return target.request(target.id(), pid, target.payload(), false);
    }

    /** The process that listens, as the kernel vouches for it. */
    int daemon() throws IOException {
        return conversation.socket().peerCredentials().pid();
    }

    /** Bytes that the daemon may refuse by closing: the outcome is seen when reading. That it reads no more is a fault. */
    void send(byte[] bytes, Fd... descriptors) throws IOException {
        try {
            conversation.sendBytes(bytes, target.patience(), descriptors);
        } catch (ErrnoException e) {
            if (!e.name().equals("EPIPE") && !e.name().equals("ECONNRESET"))
                throw e;
        }
    }

    /** Lets the daemon read what was sent, so that what comes next is a read of its own for it. */
    void settle() throws IOException {
        conversation.socket().awaitRead(SETTLED);
    }

    /** Sends as long as there is room; false if the daemon stopped reading, or closed the connection. */
    boolean sendWhileRoom(byte[] bytes) throws IOException {
        try {
            conversation.socket().send(bytes, List.of(), SETTLED);
            return true;
        } catch (SocketTimeoutException _) {
            return false;
        } catch (ErrnoException _) {
            cutOff = true;
            return false;
        }
    }

    /** Whether the daemon closed the connection where there was no more room. */
    boolean wasCutOff() {
        return cutOff;
    }

    void end() throws IOException {
        try {
            conversation.end();
        } catch (ErrnoException _) {
            // the daemon was faster
        }
    }

    /** Receives, but for the greeting. A message that has begun may take as long as an answer. */
    private Conversation.Received receive(Duration time) throws IOException {
        for (;; greeting--) {
            Conversation.Received received = conversation.receive(time, target.patience());
            if (greeting == 0 || !received.event().isMessage())
                return received;
            received.close();
        }
    }

    /** Adds a message to others that came before, without end perhaps. */
    private static void add(List<Event> events, Event event, long since) throws Failed {
        events.add(event);
        if (System.nanoTime() - since > LONGEST.toNanos()
                || events.size() % 1000 == 0 && events.stream().mapToLong(one -> one.bytes().length).sum() > MOST_BYTES)
            throw new Failed("what the daemon says has no end: " + events.size() + " messages came without a pause");
    }

    /** All that comes until the daemon is silent for a moment, or has closed; descriptors are closed. */
    List<Event> untilSilence() throws IOException, Failed {
        return untilSilence(target.patience());
    }

    /** The same, where the first may take so long. */
    List<Event> untilSilence(Duration patience) throws IOException, Failed {
        return untilSilence(patience, 1, manner.moment());
    }

    /** The same, where each of the first messages may take so long; behind them a pause is the end of what is said. */
    private List<Event> untilSilence(Duration patience, int first, Duration pause) throws IOException, Failed {
        List<Event> events = new ArrayList<>();
        long start = System.nanoTime();
        try {
            for (;;) {
                Duration time = events.size() < first ? patience : pause;
                try (Conversation.Received received = receive(time)) {
                    if (received.event().kind() == Event.Kind.BYTES)
                        throw new Failed("the answer is no message: " + received.event().note());
                    ended = !received.event().isMessage();
                    if (ended)
                        return events;
                    last = System.nanoTime();
                    add(events, received.event(), start);
                }
            }
        } catch (SocketTimeoutException _) {
            return events;
        }
    }

    /** How the daemon answered the sample that was sent then. */
    Manner mannerSince(long sent) {
        return manner.answering(Duration.ofNanos(last - sent), ended, target.patience());
    }

    /** A request of this client, and all that it is answered with; of so many messages if that is known, and not 0. */
    KnownAnswer.Sample sample(int id, int count) throws IOException, Failed {
        send(target.request(id, pid, target.payload(), false));
        List<Event> answer = untilSilence(target.patience(), Math.max(1, count),
                count == 0 ? target.longestPause() : manner.moment());
        return new KnownAnswer.Sample(id, pid, target.payload(), answer,
                answer.stream().allMatch(message -> Files.exists(Path.of("/proc", String.valueOf(message.pid())))));
    }

    /** Waits for the whole answers to so many requests as the target has it. */
    void awaitAnswers(KnownAnswer answer, int count) throws IOException, Failed, Closed {
        awaitAnswers(answer, Collections.nCopies(count, target.id()), target.payload());
    }

    /** Waits for the whole answers to requests with these peerids and a payload. */
    void awaitAnswers(KnownAnswer answer, List<Integer> ids, byte[] payload) throws IOException, Failed, Closed {
        List<String> missing = new ArrayList<>();
        ids.forEach(_ -> missing.addAll(answer.shapes()));
        int left = ids.size() * (answer.isSteady() ? answer.size() : answer.ofLastType());
        long since = System.nanoTime();
        for (int count = 0; left > 0;) {
            Event event = message(left, answer);
            if (answer.isElsewhere(event)) {
                if (System.nanoTime() - since > target.patience().toNanos())
                    throw missing(left, answer);
                continue;
            }
            since = System.nanoTime();
            if (answer.isSingle())
                count = expect(answer.fault(event, ids.get(count), pid, payload), count);
            else if (answer.isSteady() && !missing.remove(new KnownAnswer.Sample(0, 0, payload, List.of(event), true)
                    .shapes().getFirst()))
                throw new Failed(event.type() + " came, which belongs to no answer");
            if (answer.isSteady() || event.type() == answer.lastType())
                left--;
        }
    }

    private static int expect(String fault, int count) throws Failed {
        if (!fault.isEmpty())
            throw new Failed(fault);
        return count + 1;
    }

    private static String words(int missing, KnownAnswer answer) {
        return missing + " messages "
                + (answer.isSteady() ? "" : "of type " + Integer.toUnsignedString(answer.lastType()) + " ");
    }

    private Failed missing(int missing, KnownAnswer answer) {
        return new Failed("nothing came for " + target.patience().toMillis() + " ms, and " + words(missing, answer)
                + "are missing");
    }

    private Event message(int missing, KnownAnswer answer) throws IOException, Failed, Closed {
        try (Conversation.Received received = receive(target.patience())) {
            Event event = received.event();
            if (event.kind() == Event.Kind.BYTES)
                throw new Failed("the answer is no message: " + event.note());
            if (event.kind() == Event.Kind.END)
                throw new Closed("the connection was closed with " + words(missing, answer) + "missing");
            return event;
        } catch (SocketTimeoutException _) {
            throw missing(missing, answer);
        }
    }

    /** Nothing may come any more, but messages that come beside answers. */
    void mustBeSilent(KnownAnswer answer) throws IOException, Failed {
        long start = System.nanoTime();
        try {
            while (System.nanoTime() - start < LONGEST.toNanos()) {
                try (Conversation.Received received = receive(manner.moment())) {
                    if (received.event().kind() == Event.Kind.END)
                        return;
                    if (!answer.isElsewhere(received.event()))
                        throw new Failed("more came than the answer: " + KnownAnswer.shape(received.event()));
                }
            }
        } catch (SocketTimeoutException _) {
            // as it should be
        }
    }

    /** The daemon must not close the connection yet. */
    void mustBeOpen(String otherwise) throws IOException, Failed {
        long start = System.nanoTime();
        try {
            while (System.nanoTime() - start < LONGEST.toNanos())
                try (Conversation.Received received = receive(manner.moment())) {
                    if (received.event().kind() == Event.Kind.END)
                        throw new Failed(otherwise);
                }
        } catch (SocketTimeoutException _) {
            // as it should be
        }
    }

    /** Waits for the daemon to close the connection. Returns the messages that came before; nothing else may. */
    List<Event> awaitEnd() throws IOException, Failed {
        List<Event> before = awaitEndOfAnswers();
        if (!conversation.socket().awaitPeerGone(target.patience()))
            throw new Failed("the daemon has ended what it sends, and the connection is still open after "
                    + target.patience().toMillis() + " ms");
        for (Event event : before)
            if (!event.isMessage())
                throw new Failed("the bytes before the end are no message: " + event.note());
        return before;
    }

    /** The same, where the end may cut answers. */
    List<Event> awaitEndOfAnswers() throws IOException, Failed {
        List<Event> before = new ArrayList<>();
        long start = System.nanoTime();
        try {
            for (;;) {
                try (Conversation.Received received = receive(target.patience())) {
                    if (received.event().kind() == Event.Kind.END)
                        return before;
                    add(before, received.event(), start);
                }
            }
        } catch (SocketTimeoutException _) {
            throw new Failed("the connection is still open after " + target.patience().toMillis() + " ms");
        }
    }

    /** Whether the answer comes; if not, the daemon must have closed the connection. */
    boolean answeredOrClosed(KnownAnswer answer) throws IOException, Failed {
        try {
            awaitAnswers(answer, 1);
            return true;
        } catch (Closed _) {
            return false;
        }
    }

    /** Leaves before the end of the case. */
    void leave() {
        conversation.close();
    }

    @Override
    public void close() {
        conversation.close();
    }
}
