package org.imsg.privsep;

import java.util.concurrent.atomic.AtomicBoolean;
import org.imsg.Imsg;
import org.imsg.privsep.rights.Ids;
import org.jspecify.annotations.Nullable;

/** A request for a process on demand, until a process has it or it is refused. */
final class Request {
    /** Told the fate of a request, in the supervising thread. */
    interface Asker {
        /** A process has it. */
        void given(Peer to);

        void refused(String why);
    }

    private final Imsg message;
    /** Whose the process is; null if that is its role's business. */
    final @Nullable Ids ids;
    /** The process that asks, to tell it from others; null for the parent. */
    final @Nullable Object from;
    private final Asker asker;
    private final AtomicBoolean over = new AtomicBoolean();
    /** How long it waits for a process, in nanoseconds. */
    final long patience;
    /** When it has waited so long; set by the supervising thread. */
    long deadline;

    /** Takes the message, and its descriptor. */
    Request(Imsg message, @Nullable Ids ids, @Nullable Object from, long patience, Asker asker) {
        this.ids = ids;
        this.from = from;
        this.message = message;
        this.patience = patience;
        this.asker = asker;
    }

    Imsg message() {
        return message;
    }

    /** No process waits for it any more, or has it. */
    boolean isOver() {
        return over.get();
    }

    /** Whether it is the caller's to give: once only, and not after it was withdrawn. */
    boolean take() {
        return over.compareAndSet(false, true);
    }

    /** A process has it, after {@link #take()}. */
    void given(Peer to) {
        asker.given(to);
    }

    /** No process takes it, after {@link #take()}. */
    void failed(String why) {
        message.close();
        asker.refused(why);
    }

    void refuse(String why) {
        if (take())
            failed(why);
    }

    /** The asker does not wait any longer, and is not told anything. */
    void withdraw() {
        if (take())
            message.close();
    }
}
