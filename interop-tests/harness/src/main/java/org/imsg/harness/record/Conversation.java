package org.imsg.harness.record;

import java.io.IOException;
import java.net.SocketTimeoutException;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.function.Consumer;
import org.imsg.WireFormat;
import org.imsg.harness.stream.Chunk;
import org.imsg.harness.stream.RawSocket;
import org.imsg.unix.ErrnoException;
import org.imsg.unix.Fd;

/**
 * One end of a connection that may say anything, and sees everything: what it sends and receives, message by message, as events.
 * Nothing that is received ends it but the end of the stream; bytes that are no message are events as well. Not safe for two
 * threads at once, but for {@link #close()}.
 */
public final class Conversation implements AutoCloseable {
    private static final Duration LONG = Duration.ofDays(365);

    private final RawSocket socket;
    private final Direction sending;
    private final WireFormat format;
    private final StreamDecoder decoder;
    private final Consumer<Event> witness;
    private final long origin = System.nanoTime();
    private final Deque<Event> received = new ArrayDeque<>();
    private final Deque<Fd> descriptors = new ArrayDeque<>();
    private Duration patience = LONG;
    private boolean ended;

    /**
     * An event that was received, and its descriptors.
     *
     * @param event what came
     * @param descriptors whoever has this closes them
     */
    public record Received(Event event, List<Fd> descriptors) implements AutoCloseable {
        @Override
        public void close() {
            descriptors.forEach(Fd::close);
        }
    }

    /**
     * A conversation over a socket.
     *
     * @param socket the socket, closed with this
     * @param sending which way this side sends: TO_SERVER for a client
     * @param format how it writes, and with AUTO how it reads too; AUTO writes MODERN
     * @param limit the longest message it receives, in bytes with the header
     * @param witness is told every event when it happens
     */
    public Conversation(RawSocket socket, Direction sending, WireFormat format, int limit, Consumer<Event> witness) {
        this.socket = socket;
        this.sending = sending;
        this.format = format == WireFormat.CLASSIC ? WireFormat.CLASSIC : WireFormat.MODERN;
        this.decoder = new StreamDecoder(1, sending.opposite(), format, limit);
        this.witness = witness;
    }

    /**
     * Sets how long a send may wait for a peer that does not read, where the call does not say; a year unless set.
     *
     * @param time how long, at most a year
     */
    public void patience(Duration time) {
        patience = time;
    }

    /**
     * Sends a message.
     *
     * @param type the type
     * @param id the peerid
     * @param pid the pid
     * @param payload the payload
     * @param passed descriptors to go with its first byte; they stay the caller's
     * @throws SocketTimeoutException if the peer does not read; a part may have been sent
     * @throws IOException if it cannot be sent
     */
    public void send(int type, int id, int pid, byte[] payload, Fd... passed) throws IOException {
        send(Event.message(sending, format, type, id, pid, payload, names(List.of(passed))), List.of(passed));
    }

    /**
     * Sends the bytes of an event as they are; of an end, ends the sending direction.
     *
     * @param event a message, bytes or an end
     * @param passed descriptors to go with the first byte; they stay the caller's
     * @throws IOException if it cannot be sent
     */
    public void send(Event event, List<Fd> passed) throws IOException {
        send(event, passed, patience);
    }

    /**
     * Sends likewise, but does not wait forever for a peer that does not read.
     *
     * @param event a message, bytes or an end
     * @param passed descriptors to go with the first byte; they stay the caller's
     * @param timeout how long to wait for room, at most a year
     * @throws SocketTimeoutException if there is no room in time; a part may have been sent
     * @throws IOException if it cannot be sent
     */
    public void send(Event event, List<Fd> passed, Duration timeout) throws IOException {
        witness.accept(event.at(System.nanoTime() - origin, 1));
        if (event.kind() == Event.Kind.END)
            socket.shutdownOutput();
        else
            socket.send(event.bytes(), passed, timeout);
    }

    /**
     * Sends bytes, whatever they are.
     *
     * @param bytes the bytes
     * @param passed descriptors to go with the first byte; they stay the caller's
     * @throws IOException if they cannot be sent
     */
    public void sendBytes(byte[] bytes, Fd... passed) throws IOException {
        sendBytes(bytes, patience, passed);
    }

    /**
     * Sends bytes likewise, but does not wait forever for a peer that does not read.
     *
     * @param bytes the bytes
     * @param timeout how long to wait for room, at most a year
     * @param passed descriptors to go with the first byte; they stay the caller's
     * @throws SocketTimeoutException if there is no room in time; a part may have been sent
     * @throws IOException if they cannot be sent
     */
    public void sendBytes(byte[] bytes, Duration timeout, Fd... passed) throws IOException {
        List<Fd> all = List.of(passed);
        send(new Event(0, 1, sending, Event.Kind.BYTES, format, bytes, names(all), ""), all, timeout);
    }

    /**
     * Ends the sending direction.
     *
     * @throws IOException if it is not connected any more
     */
    public void end() throws IOException {
        send(Event.end(0, 1, sending), List.of());
    }

    /**
     * The next event from the other side.
     *
     * @param timeout how long to wait for it
     * @return the event, its descriptors the caller's; after the end, or a reset, an end again and again
     * @throws SocketTimeoutException if there is none in time
     * @throws IOException if the socket is closed here
     */
    public Received receive(Duration timeout) throws IOException {
        long deadline = System.nanoTime() + timeout.toNanos();
        while (received.isEmpty()) {
            if (ended)
                return new Received(Event.end(System.nanoTime() - origin, 1, sending.opposite()), List.of());
            read(Duration.ofNanos(Math.max(0, deadline - System.nanoTime())));
        }
        Event event = received.removeFirst();
        List<Fd> own = new ArrayList<>();
        for (String name : event.descriptors())
            if (!name.equals(Chunk.LOST))
                own.add(descriptors.removeFirst());
        return new Received(event, own);
    }

    /**
     * The next event likewise, where a message that has begun may take longer.
     *
     * @param timeout how long to wait for its first byte
     * @param rest how long to wait then for its rest, if that has not come by then
     * @return as above
     * @throws SocketTimeoutException if there is none in time
     * @throws IOException if the socket is closed here
     */
    public Received receive(Duration timeout, Duration rest) throws IOException {
        try {
            return receive(timeout);
        } catch (SocketTimeoutException e) {
            if (!decoder.isInsideMessage())
                throw e;
            return receive(rest);
        }
    }

    private void read(Duration timeout) throws IOException {
        List<Event> events;
        try {
            Chunk chunk = socket.receive(timeout);
            long now = System.nanoTime() - origin;
            ended = chunk == null;
            int room = decoder.room();
            events = ended ? decoder.end(now) : decoder.add(now, chunk.bytes(), chunk.descriptorNames());
            if (chunk != null)
                keep(chunk.descriptors(), room);
        } catch (ErrnoException e) {
            // A reset: the peer went without reading all that was sent to it.
            ended = true;
            events = decoder.end(System.nanoTime() - origin);
        }
        events.forEach(witness);
        received.addAll(events);
    }

    /** Of a flood only those are kept that the decoder has a name for. */
    private void keep(List<Fd> arrived, int room) {
        int kept = Math.min(room, arrived.size());
        descriptors.addAll(arrived.subList(0, kept));
        arrived.subList(kept, arrived.size()).forEach(Fd::close);
    }

    private static List<String> names(List<Fd> descriptors) {
        return descriptors.stream().map(Chunk::nameOf).toList();
    }

    /** {@return the socket, which stays this one's} */
    public RawSocket socket() {
        return socket;
    }

    /** {@return how it writes: CLASSIC or MODERN} */
    public WireFormat format() {
        return format;
    }

    /** Closes the socket, and the descriptors of events that were not taken. */
    @Override
    public void close() {
        socket.close();
        descriptors.forEach(Fd::close);
        descriptors.clear();
        received.clear();
    }
}
