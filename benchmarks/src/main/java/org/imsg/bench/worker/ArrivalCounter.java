package org.imsg.bench.worker;

import java.io.EOFException;
import java.io.IOException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.Executor;
import java.util.function.Consumer;

/** Counts arrivals on an event loop of one thread, while the worker's thread waits for as many as it was told. */
final class ArrivalCounter {
    private final Executor loop;
    final Tally tally = new Tally();
    /** On the loop's thread only: all that ever arrived, and what of it has been told. */
    private final Tally arrived = new Tally();
    private final Tally told = new Tally();
    private long wanted = Long.MAX_VALUE;
    private CompletableFuture<Void> waiting;

    ArrivalCounter(Executor loop) {
        this.loop = loop;
    }

    /** Has something done on the loop's thread that completes its argument, and waits for that. */
    void await(Consumer<CompletableFuture<Void>> begin) throws IOException {
        CompletableFuture<Void> done = new CompletableFuture<>();
        loop.execute(() -> {
            try {
                begin.accept(done);
            } catch (RuntimeException e) {
                done.completeExceptionally(e);
            }
        });
        try {
            done.join();
        } catch (CompletionException e) {
            throw new IOException(e.getCause());
        }
    }

    /** Waits until so many more messages have arrived than were told, and tells them. */
    void awaitArrivals(long count) throws IOException {
        await(done -> {
            waiting = done;
            wanted = told.messages + count;
            tell();
        });
    }

    /** A message has arrived. */
    void arrived(long sum) {
        arrived.sum += sum;
        arrived.messages++;
        if (arrived.messages >= wanted)
            tell();
    }

    private void tell() {
        if (arrived.messages < wanted)
            return;
        tally.messages += arrived.messages - told.messages;
        tally.sum += arrived.sum - told.sum;
        told.messages = arrived.messages;
        told.sum = arrived.sum;
        wanted = Long.MAX_VALUE;
        waiting.complete(null);
    }

    /** Lets the worker fail with what went wrong here. */
    void failed(Throwable cause) {
        if (waiting == null || !waiting.completeExceptionally(cause))
            throw new IllegalStateException(cause);
    }

    /** The stream has ended. */
    void ended() {
        if (waiting != null)
            waiting.completeExceptionally(new EOFException());
    }
}
