package org.imsg.harness.scripted;

import java.io.IOException;
import java.net.SocketTimeoutException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.locks.ReentrantLock;
import org.imsg.WireFormat;
import org.imsg.harness.describe.ProtocolDescription;
import org.imsg.harness.record.Conversation;
import org.imsg.harness.record.Direction;
import org.imsg.harness.record.Event;
import org.imsg.harness.record.Recording;
import org.imsg.harness.record.StreamDecoder;
import org.imsg.harness.stream.RawSocket;
import org.imsg.unix.Child;
import org.imsg.unix.Fd;
import org.jspecify.annotations.Nullable;

/**
 * The other side of what is being tested: each call is a step that is done at once. An unmet expectation is a {@link PeerFailedError},
 * which shows the script beside what really passed.
 *
 * {@snippet file = "org/imsg/harness/scripted/ScriptedPeerTest.java" region = "client"}
 *
 * <p>Beside a test that waits for its answers, {@link #follow(Steps)} takes the steps in the background, and {@link ScriptedServer} does so for
 * each client. For one thread at a time, but for {@link #failure()}.
 */
public final class ScriptedPeer implements AutoCloseable {
    private static final Duration USUAL_PATIENCE = Duration.ofSeconds(10);

    private final Conversation conversation;
    private final List<Event> passed = Collections.synchronizedList(new ArrayList<>());
    private final List<String> script = Collections.synchronizedList(new ArrayList<>());
    private final List<Integer> eventsBefore = Collections.synchronizedList(new ArrayList<>());
    private final List<Conversation.Received> received = new ArrayList<>();
    private ProtocolDescription protocol = ProtocolDescription.NONE;
    private Duration patience = USUAL_PATIENCE;
    private @Nullable Child child;
    private @Nullable Thread following;
    /** Held while an expectation is neither met nor failed. */
    private final ReentrantLock expecting = new ReentrantLock();
    private volatile Thread expectant = Thread.currentThread();
    private volatile @Nullable PeerFailedError failure;

    /** What a peer does. */
    @FunctionalInterface
    public interface Steps {
        /**
         * Talks with the other side.
         *
         * @param peer the connection
         * @throws Exception anything: a failure of the test
         */
        void with(ScriptedPeer peer) throws Exception;
    }

    private ScriptedPeer(RawSocket socket, Direction sending, WireFormat format, int limit) {
        conversation = new Conversation(socket, sending, format, limit, passed::add);
        conversation.patience(USUAL_PATIENCE);
    }

    /**
     * A client.
     *
     * @param socket the daemon's socket
     * @param format how it writes; AUTO reads both and writes MODERN
     * @return the connected peer
     * @throws IOException if it cannot connect
     */
    public static ScriptedPeer connect(Path socket, WireFormat format) throws IOException {
        return of(RawSocket.connect(socket), Direction.TO_SERVER, format);
    }

    /**
     * A peer over a socket that is connected already.
     *
     * @param socket the socket, the peer's then
     * @param sending which way it sends: TO_SERVER for a client, TO_CLIENT for a server or parent
     * @param format how it writes; AUTO reads both and writes MODERN
     * @return the peer
     */
    public static ScriptedPeer of(RawSocket socket, Direction sending, WireFormat format) {
        int limit = format == WireFormat.MODERN ? 1 << 24 : StreamDecoder.USUAL_LIMIT;
        return new ScriptedPeer(socket, sending, format, limit);
    }

    /**
     * The parent of a program that finds its channel at descriptor 3. Closing the peer closes the channel, and kills the program
     * if it has not ended ten seconds later.
     *
     * @param program the program, ready to be started
     * @param format how the peer writes; AUTO reads both and writes MODERN
     * @return the peer
     * @throws IOException if the program cannot be started
     */
    public static ScriptedPeer parentOf(Child.Builder program, WireFormat format) throws IOException {
        try (Fd.Pair pair = Fd.socketpair()) {
            Child child = program.descriptor(3, pair.second()).start();
            ScriptedPeer peer = of(RawSocket.of(pair.first()), Direction.TO_CLIENT, format);
            peer.child = child;
            return peer;
        }
    }

    /**
     * Names types and fields in failures.
     *
     * @param description what they are called
     * @return this
     */
    public ScriptedPeer describedBy(ProtocolDescription description) {
        protocol = description;
        return this;
    }

    /**
     * Sets how long an expected message may take, and the other side to read what is sent; ten seconds unless set.
     *
     * @param time how long
     * @return this
     */
    public ScriptedPeer patience(Duration time) {
        patience = time;
        conversation.patience(time);
        return this;
    }

    /**
     * Takes the steps in a thread of its own. When one fails, the connection is cut, so that the other side does not wait in vain.
     *
     * @param steps what to do; {@link #close()} waits for the last
     * @return this
     */
    public ScriptedPeer follow(Steps steps) {
        following = Thread.ofVirtual().name("imsg-scripted-peer").start(() -> {
            try {
                steps.with(this);
                failure = null; // the steps caught it
            } catch (Exception | AssertionError e) {
                failure = failedWith(e);
                conversation.socket().shutdown();
            }
        });
        return this;
    }

    /**
     * Tells what has gone wrong. Any thread may ask.
     *
     * @return the expectation that failed last, unless steps were taken since, or that which is waited for now
     */
    public Optional<PeerFailedError> failure() {
        PeerFailedError failed = failure;
        if (failed == null && expecting.isLocked())
            failed = failed("nothing has come up to now", null, expectant, false);
        return Optional.ofNullable(failed);
    }

    private void step(String words) {
        failure = null;
        script.add(words);
        eventsBefore.add(passed.size());
    }

    /**
     * Waits for the next message, which must be like that.
     *
     * @param expected what it must be like
     * @return the message and its descriptor, which is closed with this peer unless it is moved on
     * @throws PeerFailedError if it is not, or does not come, or the stream ends
     * @throws IOException if the socket is closed here
     */
    public Conversation.Received expect(Expected expected) throws IOException {
        expecting.lock();
        try {
            expectant = Thread.currentThread();
            step("expect " + expected);
            Conversation.Received next = next();
            boolean ended = next.event().kind() == Event.Kind.END;
            if (!expected.matches(next.event()))
                throw fail(ended
                        ? "the stream ended"
                        : "not as expected: " + String.join(", ", expected.broken(next.event())), !ended);
            return next;
        } finally {
            expecting.unlock();
        }
    }

    /**
     * Waits for the end of the stream.
     *
     * @throws PeerFailedError if something else comes, or nothing does
     * @throws IOException if the socket is closed here
     */
    public void expectEnd() throws IOException {
        expecting.lock();
        try {
            expectant = Thread.currentThread();
            step("expect the end");
            if (next().event().kind() != Event.Kind.END)
                throw fail("something came instead of the end", true);
        } finally {
            expecting.unlock();
        }
    }

    private Conversation.Received next() throws IOException {
        try {
            Conversation.Received next = conversation.receive(patience);
            received.add(next);
            return next;
        } catch (SocketTimeoutException _) {
            throw fail("nothing came within " + patience.toMillis() + " ms", true);
        }
    }

    private PeerFailedError fail(String what, boolean certain) {
        PeerFailedError failed = failed(what, null, Thread.currentThread(), certain);
        failure = failed;
        return failed;
    }

    private PeerFailedError failed(String what, @Nullable Throwable cause, Thread thread, boolean certain) {
        List<Integer> before = List.copyOf(eventsBefore);
        return new PeerFailedError(new SideBySide(List.copyOf(script).subList(0, before.size()), before,
                List.copyOf(passed), protocol).text(what), cause, thread, certain);
    }

    /** What a script threw; an I/O error may come from the other side's leaving. */
    PeerFailedError failedWith(Throwable thrown) {
        return thrown instanceof PeerFailedError failed
                ? failed
                : failed("the script failed: " + thrown, thrown, Thread.currentThread(),
                        !(thrown instanceof IOException));
    }

    /**
     * Sends a message with id 0 and the pid of this process.
     *
     * @param type the type
     * @param payload the payload
     * @param descriptors descriptors to go along; they stay the caller's
     * @throws IOException if it cannot be sent
     */
    public void send(int type, byte[] payload, Fd... descriptors) throws IOException {
        send(type, 0, (int) ProcessHandle.current().pid(), payload, descriptors);
    }

    /**
     * Sends a message.
     *
     * @param type the type
     * @param id the peerid
     * @param pid the pid
     * @param payload the payload
     * @param descriptors descriptors to go along; they stay the caller's
     * @throws IOException if it cannot be sent
     */
    public void send(int type, int id, int pid, byte[] payload, Fd... descriptors) throws IOException {
        step("send type " + Integer.toUnsignedString(type) + ", " + payload.length + " bytes"
                + (descriptors.length == 0 ? "" : " with a descriptor"));
        conversation.send(type, id, pid, payload, descriptors);
    }

    /**
     * Sends a message in several writes.
     *
     * @param type the type
     * @param id the peerid
     * @param payload the payload
     * @param cuts at which bytes of header and payload a new write begins, ascending, 1 or more
     * @throws IllegalArgumentException if a cut is not inside the message, or not behind the one before
     * @throws IOException if it cannot be sent
     */
    public void sendSplit(int type, int id, byte[] payload, int... cuts) throws IOException {
        step("send type " + Integer.toUnsignedString(type) + ", " + payload.length + " bytes, cut at "
                + Arrays.toString(cuts));
        byte[] bytes = Event.message(Direction.TO_SERVER, conversation.format(), type, id,
                (int) ProcessHandle.current().pid(), payload, List.of()).bytes();
        int from = 0;
        for (int cut : cuts) {
            if (cut <= from || cut >= bytes.length)
                throw new IllegalArgumentException(
                        "a cut is " + (from + 1) + " to " + (bytes.length - 1) + ", not " + cut);
            conversation.sendBytes(Arrays.copyOfRange(bytes, from, cut));
            from = cut;
        }
        conversation.sendBytes(Arrays.copyOfRange(bytes, from, bytes.length));
    }

    /**
     * Sends bytes, whatever they are.
     *
     * @param bytes the bytes
     * @param descriptors descriptors to go with the first; they stay the caller's
     * @throws IOException if they cannot be sent
     */
    public void sendBytes(byte[] bytes, Fd... descriptors) throws IOException {
        step("send " + bytes.length + " bytes");
        conversation.sendBytes(bytes, descriptors);
    }

    /**
     * Lets time pass.
     *
     * @param time how much
     * @throws InterruptedException if the thread is interrupted
     */
    public void delay(Duration time) throws InterruptedException {
        step("delay " + time.toMillis() + " ms");
        Thread.sleep(time);
    }

    /**
     * Does what no library would.
     *
     * @param kind what
     * @param type the type of the message it is done with
     * @throws IOException if the other side is gone
     */
    public void misbehave(Misbehaviour kind, int type) throws IOException {
        step("misbehave: " + kind);
        kind.over(conversation, type);
    }

    /**
     * Ends the sending direction.
     *
     * @throws IOException if it is not connected any more
     */
    public void end() throws IOException {
        step("end");
        conversation.end();
    }

    /** {@return what has passed up to now, both ways} */
    public Recording recording() {
        return new Recording(Instant.now(), passed);
    }

    /**
     * The program that was started with {@link #parentOf(Child.Builder, WireFormat)}.
     *
     * @return the program
     * @throws IllegalStateException if there is none
     */
    public Child child() {
        if (child == null)
            throw new IllegalStateException("this peer has started no program");
        return child;
    }

    /**
     * Lets the steps of {@link #follow(Steps)} end, for ten seconds. Closes the socket and what was received and not moved on; ends the program,
     * if there is one.
     *
     * @throws PeerFailedError if a step of {@link #follow(Steps)} failed
     */
    @Override
    public void close() {
        Thread steps = following;
        if (steps != null)
            await(steps);
        if (conversation.socket().peerIsGone()) {
            expecting.lock(); // what another thread expects fails now
            expecting.unlock();
        }
        conversation.close();
        received.forEach(Conversation.Received::close);
        if (child != null)
            await(child);
        PeerFailedError failed = failure;
        if (steps != null && failed != null)
            throw failed;
    }

    private void await(Thread steps) {
        try {
            if (!steps.join(USUAL_PATIENCE)) {
                failure = failed("the steps did not end within " + USUAL_PATIENCE.toMillis() + " ms", null, steps,
                        false);
                conversation.socket().shutdown();
                steps.interrupt();
            }
        } catch (InterruptedException _) {
            conversation.socket().shutdown();
            steps.interrupt();
            Thread.currentThread().interrupt();
        }
    }

    private static void await(Child child) {
        try {
            if (child.waitFor(USUAL_PATIENCE).isEmpty()) {
                child.kill(9);
                child.waitFor();
            }
        } catch (InterruptedException _) {
            child.kill(9);
            Thread.currentThread().interrupt();
        }
    }
}
