package org.imsg.harness.tap;

import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import org.imsg.harness.record.Event;
import org.jspecify.annotations.Nullable;

/** Tells a witness, one thing at a time, and stops everything when the witness fails. Safe for several threads. */
final class Watch {
    private final Consumer<Event> witness;
    private final Runnable stop;
    private final long origin = System.nanoTime();
    private final AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();

    Watch(Consumer<Event> witness, Runnable stop) {
        this.witness = witness;
        this.stop = stop;
    }

    /** Nanoseconds since this was made. */
    long now() {
        return System.nanoTime() - origin;
    }

    /** Tells an event with the time at which it is told, so that all are in time order. */
    void tell(Event event) {
        try {
            synchronized (this) {
                witness.accept(event.at(now(), event.connection()));
            }
        } catch (RuntimeException | Error e) {
            failed(e);
            throw e;
        }
    }

    void note(int connection, String text) {
        tell(Event.note(now(), connection, text));
    }

    void failed(Throwable e) {
        failure.compareAndSet(null, e);
        stop.run();
    }

    /** Throws what the witness threw first, if it did. */
    void rethrow() {
        switch (failure.get()) {
            case null -> {
                // it did not
            }
            case RuntimeException first -> throw first;
            case Error first -> throw first;
            case Throwable other -> throw new IllegalStateException(other);
        }
    }
}
