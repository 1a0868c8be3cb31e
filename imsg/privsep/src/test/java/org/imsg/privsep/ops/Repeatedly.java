package org.imsg.privsep.ops;

import java.io.IOException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;

/** Does something again and again, in a thread of its own, until it is closed; if that fails, closing fails. */
final class Repeatedly implements AutoCloseable {
    private final AtomicBoolean closed = new AtomicBoolean();
    private final CompletableFuture<Void> thread;

    interface Step {
        void run() throws IOException;
    }

    Repeatedly(Step step) {
        thread = CompletableFuture.runAsync(() -> {
            try {
                while (!closed.get())
                    step.run();
            } catch (IOException e) {
                throw new AssertionError(e);
            }
        }, task -> Thread.ofPlatform().start(task));
    }

    @Override
    public void close() {
        closed.set(true);
        thread.join();
    }
}
