package org.imsg.harness.scripted;

import java.io.IOException;
import java.net.SocketTimeoutException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
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
 * The other side of what is being tested: each call is a step that is done at once. An unmet expectation is an AssertionError that
 * shows the script beside what really passed.
 *
 * {@snippet file = "org/imsg/harness/scripted/ScriptedPeerTest.java" region = "client"}
 *
 * <p>As a server it runs in the background: see {@link ScriptedServer}. For one thread at a time.
 */
public final class ScriptedPeer implements AutoCloseable {
    private static final Duration USUAL_PATIENCE = Duration.ofSeconds(10);

    private final Conversation conversation;
    private final List<Event> passed = new ArrayList<>();
    private final List<String> script = new ArrayList<>();
    private final List<Integer> eventsBefore = new ArrayList<>();
    private final List<Conversation.Received> received = new ArrayList<>();
    private ProtocolDescription protocol = ProtocolDescription.NONE;
    private Duration patience = USUAL_PATIENCE;
    private @Nullable Child child;

    private ScriptedPeer(RawSocket socket, Direction sending, WireFormat format, int limit) {
        conversation = new Conversation(socket, sending, format, limit, passed::add);
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
     * Sets how long an expected message may take; ten seconds unless set.
     *
     * @param time how long
     * @return this
     */
    public ScriptedPeer patience(Duration time) {
        patience = time;
        return this;
    }

    private void step(String words) {
        script.add(words);
        eventsBefore.add(passed.size());
    }

    /**
     * Waits for the next message, which must be like that.
     *
     * @param expected what it must be like
     * @return the message and its descriptor, which is closed with this peer unless it is moved on
     * @throws AssertionError if it is not, or does not come, or the stream ends
     * @throws IOException if the socket is closed here
     */
    public Conversation.Received expect(Expected expected) throws IOException {
        step("expect " + expected);
        Conversation.Received next = next();
        if (!expected.matches(next.event()))
            throw failure(next.event().kind() == Event.Kind.END
                    ? "the stream ended"
                    : "not as expected: " + String.join(", ", expected.broken(next.event())));
        return next;
    }

    /**
     * Waits for the end of the stream.
     *
     * @throws AssertionError if something else comes, or nothing does
     * @throws IOException if the socket is closed here
     */
    public void expectEnd() throws IOException {
        step("expect the end");
        if (next().event().kind() != Event.Kind.END)
            throw failure("something came instead of the end");
    }

    private Conversation.Received next() throws IOException {
        try {
            Conversation.Received next = conversation.receive(patience);
            received.add(next);
            return next;
        } catch (SocketTimeoutException _) {
            throw failure("nothing came within " + patience.toMillis() + " ms");
        }
    }

    private AssertionError failure(String what) {
        return new AssertionError(new SideBySide(script, eventsBefore, passed, protocol).text(what));
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

    /** Closes the socket and what was received and not moved on; ends the program, if there is one. */
    @Override
    public void close() {
        conversation.close();
        received.forEach(Conversation.Received::close);
        if (child != null)
            await(child);
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
