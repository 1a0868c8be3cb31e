package org.imsg.harness.cli;

import java.io.IOException;
import java.nio.channels.ClosedChannelException;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
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

/** Answers everybody who connects, all at once, until the listener is closed or an event cannot be shown. */
final class Clients {
    /** How long a client may be silent: as long as it likes. */
    static final Duration LONG = Duration.ofDays(1);

    private final RawListener listener;
    private final Responder responder;
    private final WireFormat format;
    private final int limit;
    private final Consumer<Event> witness;
    private final Set<Conversation> open = ConcurrentHashMap.newKeySet();
    private final AtomicReference<RuntimeException> failure = new AtomicReference<>();
    private volatile boolean ending;

    Clients(RawListener listener, Responder responder, WireFormat format, int limit, Consumer<Event> witness) {
        this.listener = listener;
        this.responder = responder;
        this.format = format;
        this.limit = limit;
        this.witness = witness;
    }

    /** Ends by the closing of the listener; throws what the witness threw, if it did. */
    void serve() throws IOException {
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            try {
                for (int number = 1;; number++)
                    begin(listener.accept(), number, threads);
            } catch (ClosedChannelException _) {
                // as it should be
            } finally {
                ending = true;
                open.forEach(Conversation::close);
            }
        }
        RuntimeException first = failure.get();
        if (first != null)
            throw first;
    }

    private void begin(RawSocket socket, int number, ExecutorService threads) {
        Conversation client = new Conversation(socket, Direction.TO_CLIENT, format, limit,
                event -> tell(event.at(event.nanos(), number)));
        open.add(client);
        threads.execute(() -> {
            try {
                converse(client, number);
            } catch (RuntimeException e) {
                failure.compareAndSet(null, e);
                listener.close();
            } finally {
                open.remove(client);
            }
        });
    }

    private void converse(Conversation conversation, int number) {
        try (Conversation client = conversation) {
            tell(connected(client.socket(), number));
            responder.serve(client, LONG);
        } catch (IOException | InterruptedException e) {
            if (!ending)
                tell(Event.note(0, number, "dropped: " + e.getMessage()));
        }
    }

    private synchronized void tell(Event event) {
        witness.accept(event);
    }

    static Event connected(RawSocket socket, int number) throws IOException {
        PeerCredentials peer = socket.peerCredentials();
        return Event.note(0, number, "connected: client " + peer);
    }
}
