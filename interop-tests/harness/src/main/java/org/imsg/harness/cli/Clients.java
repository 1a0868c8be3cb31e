package org.imsg.harness.cli;

import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import org.imsg.WireFormat;
import org.imsg.harness.record.Conversation;
import org.imsg.harness.record.Direction;
import org.imsg.harness.record.Event;
import org.imsg.harness.scripted.Responder;
import org.imsg.harness.stream.RawListener;
import org.imsg.harness.stream.RawSocket;
import org.imsg.unix.PeerCredentials;
import org.jspecify.annotations.Nullable;

/** Answers all clients at once, until the listener is closed or an event cannot be shown. */
final class Clients {
    /** How long a client may be silent: as long as it likes. */
    static final Duration LONG = Duration.ofDays(1);

    private final RawListener listener;
    private final Responder responder;
    private final WireFormat format;
    private final int limit;
    private final Consumer<Event> witness;
    private final long origin = System.nanoTime();
    private final AtomicInteger count = new AtomicInteger();
    private final AtomicReference<@Nullable RuntimeException> failure = new AtomicReference<>();

    Clients(RawListener listener, Responder responder, WireFormat format, int limit, Consumer<Event> witness) {
        this.listener = listener;
        this.responder = responder;
        this.format = format;
        this.limit = limit;
        this.witness = witness;
    }

    /** Returns when the listener is closed; throws what the witness threw, if it did. */
    void serve() throws IOException {
        listener.serve(this::serve);
        RuntimeException first = failure.get();
        if (first != null)
            throw first;
    }

    private void serve(RawSocket socket, PeerCredentials peer) {
        int number = count.incrementAndGet();
        try (Conversation client = new Conversation(socket, Direction.TO_CLIENT, format, limit,
                event -> tell(event.at(event.nanos(), number)))) {
            converse(client, peer, number);
        } catch (RuntimeException e) {
            failure.compareAndSet(null, e);
            listener.close();
        }
    }

    private void converse(Conversation client, PeerCredentials peer, int number) {
        tell(connected(peer, number));
        try {
            responder.serve(client, LONG);
        } catch (IOException | InterruptedException e) {
            if (listener.isOpen())
                tell(Event.note(0, number, "dropped: " + e.getMessage()));
        }
    }

    /** One clock for all clients, read when an event is told: so they are in time order. */
    private synchronized void tell(Event event) {
        witness.accept(event.at(System.nanoTime() - origin, event.connection()));
    }

    static Event connected(PeerCredentials peer, int number) {
        return Event.note(0, number, "connected: client " + peer);
    }
}
