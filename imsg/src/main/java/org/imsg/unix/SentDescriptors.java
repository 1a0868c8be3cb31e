package org.imsg.unix;

import java.util.LinkedList;
import java.util.Queue;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.imsg.sys.OpenDescriptor;
import org.jspecify.annotations.Nullable;

/**
 * The descriptors that a peer has sent, and a thread that closes them, whichever thread lets go of them. For close(2) may wait for
 * as long as the sender likes: for a socket with SO_LINGER, which a sender with a descriptor of its own can set at any moment, or for
 * a file system that the sender serves. There is a thread from the first of them on; it ends when it has had nothing to do for a
 * while.
 *
 * <p>Thread-safe.
 */
public final class SentDescriptors implements AutoCloseable {
    private static final long IDLE_NANOS = TimeUnit.SECONDS.toNanos(5);

    private final String name;
    private final int most;
    private final Consumer<OpenDescriptor> close;
    private final Consumer<OpenDescriptor> enqueue = this::enqueue;
    private final Queue<OpenDescriptor> waiting = new LinkedList<>();
    private boolean running;
    private boolean closed;

    /**
     * Begins without any.
     *
     * @param name the peer, for the name of the thread
     * @param most how many may wait for the thread before {@link #awaitRoom()} waits, 1 or more
     */
    public SentDescriptors(String name, int most) {
        this(name, most, OpenDescriptor::closeNow);
    }

    SentDescriptors(String name, int most, Consumer<OpenDescriptor> close) {
        this.name = name;
        this.most = most;
        this.close = close;
    }

    /**
     * Has the close of a descriptor, of what it is moved to and of its duplicates carried out here.
     *
     * @param fd a descriptor that the peer has sent, which stays the caller's
     */
    public void adopt(Fd fd) {
        OpenDescriptor.of(fd).closeBy(enqueue);
        start();
    }

    /**
     * Tells whether a descriptor was sent by a peer whose descriptors are closed by a thread of their own.
     *
     * @param fd the descriptor
     * @return true after {@link #adopt(Fd)}
     */
    public static boolean isOne(Fd fd) {
        return OpenDescriptor.of(fd).isClosedElsewhere();
    }

    private synchronized void start() {
        if (!running)
            Thread.ofPlatform().daemon().name("imsg-close-" + name).start(this::run);
        running = true;
    }

    private void enqueue(OpenDescriptor descriptor) {
        try {
            synchronized (this) {
                waiting.add(descriptor);
                start();
                notifyAll();
            }
        } catch (OutOfMemoryError _) {
            // No memory, or no thread: there is none to leave it to.
            close.accept(descriptor);
        }
    }

    private void run() {
        for (OpenDescriptor next; (next = next()) != null;) {
            try {
                close.accept(next);
            } catch (RuntimeException | Error _) {
                // The others are closed all the same.
            }
        }
    }

    private synchronized @Nullable OpenDescriptor next() {
        notifyAll();
        long deadline = System.nanoTime() + IDLE_NANOS;
        for (long left; waiting.isEmpty() && (left = deadline - System.nanoTime()) > 0;) {
            try {
                TimeUnit.NANOSECONDS.timedWait(this, left);
            } catch (InterruptedException _) {
                // No thread of this program knows this one.
            }
        }
        running = !waiting.isEmpty();
        return waiting.poll();
    }

    /**
     * Waits until few of them wait to be closed: a peer that has sent what does not close should be read no further.
     *
     * @throws InterruptedException if the thread is interrupted
     */
    public synchronized void awaitRoom() throws InterruptedException {
        while (waiting.size() >= most && !closed)
            wait();
    }

    /** Has no thread wait here. Those that are still open are closed by and by as before. */
    @Override
    public synchronized void close() {
        closed = true;
        notifyAll();
    }
}
