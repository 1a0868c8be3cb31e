package org.imsg.privsep;

import java.io.IOException;
import java.util.Optional;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Consumer;
import org.imsg.ImsgChannel;
import org.imsg.ImsgProtocolException;
import org.imsg.privsep.ops.ChildDroppedException;
import org.imsg.privsep.ops.Monitor;
import org.imsg.unix.Fd;
import org.jspecify.annotations.Nullable;

/** The monitor's end of what a child may ask for, and the thread that serves it until the child has ended. */
final class MonitorThread implements AutoCloseable {
    private final ImsgChannel channel;
    private final LongAdder refusals = new LongAdder();
    private final Thread thread;
    private volatile @Nullable String authenticated;

    /**
     * Takes the socket. The fault is an ImsgProtocolException if what the child sends is no message, a ChildDroppedException if
     * it has passed its limits, else the monitor's own.
     */
    MonitorThread(Monitor monitor, Fd socket, String child, Consumer<Throwable> fault) throws IOException {
        channel = ImsgChannel.of(socket);
        thread = Thread.ofPlatform().daemon().name("imsg-serve-" + child).start(() -> {
            try {
                monitor.serve(channel, child, refusals, user -> authenticated = user);
            } catch (ImsgProtocolException | ChildDroppedException | RuntimeException | Error e) {
                fault.accept(e);
            } catch (IOException _) {
                // The child died, in the middle of a request perhaps, or this was closed.
            }
        });
    }

    /** How many of its requests were refused so far. */
    long refusals() {
        return refusals.sum();
    }

    /** The user whose password it has shown last. */
    Optional<String> authenticated() {
        return Optional.ofNullable(authenticated);
    }

    /** Returns at once; the programs that the child ran are killed then. The thread closes the channel, for that may take long. */
    @Override
    public void close() {
        try {
            channel.shutdown();
        } catch (IOException _) {
            // the child is gone already, or it was closed before
        }
    }

    /** Waits until those programs are gone. */
    void await() throws InterruptedException {
        thread.join();
    }
}
