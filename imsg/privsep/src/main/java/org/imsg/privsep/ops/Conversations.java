package org.imsg.privsep.ops;

import java.io.EOFException;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.imsg.Ibuf;
import org.imsg.Imsg;
import org.imsg.ImsgChannel;
import org.imsg.privsep.ops.Operation.Request;
import org.imsg.unix.Fd;
import org.jspecify.annotations.Nullable;

/** The requests of a child that have no last reply yet, by peerid, and the thread that hands the replies out. */
final class Conversations implements AutoCloseable {
    private static final Logger LOG = System.getLogger("org.imsg.privsep.ops.Privileged");

    private final ImsgChannel channel;
    private final Map<Integer, Conversation> open = new HashMap<>();
    private final CountDownLatch over = new CountDownLatch(1);
    private int lastPeerid;
    private @Nullable IOException ended;

    /** Takes the replies to one request. One thread calls it, and never after the last. */
    interface Conversation {
        /** Takes a reply; returns whether it was the last. */
        boolean take(Imsg reply);

        /** Says that no more will come. */
        void end(IOException why);
    }

    Conversations(ImsgChannel channel) {
        this.channel = channel;
        Thread.ofVirtual().name("imsg-privileged").start(this::read);
    }

    Imsg ask(Duration deadline, Request request, Map<Integer, Fd> descriptors) throws IOException {
        SingleReply single = new SingleReply();
        start(deadline, request, descriptors, single);
        return Reply.checked(single.await(request, deadline), request, deadline);
    }

    /** Sends a request, with copies of descriptors before it; returns its peerid. */
    int start(Duration deadline, Request request, Map<Integer, Fd> descriptors, Conversation conversation)
            throws IOException {
        Map<Integer, Fd> copies = new LinkedHashMap<>();
        try {
            for (Map.Entry<Integer, Fd> each : descriptors.entrySet())
                copies.put(each.getKey(), each.getValue().dup());
            return startWith(copies, deadline, request, conversation);
        } finally {
            copies.values().forEach(Fd::close);
        }
    }

    private int startWith(Map<Integer, Fd> descriptors, Duration deadline, Request request, Conversation conversation)
            throws IOException {
        int peerid;
        synchronized (this) {
            if (ended != null)
                throw new IOException(ended.getMessage(), ended);
            do {
                peerid = ++lastPeerid;
            } while (open.containsKey(peerid));
            open.put(peerid, conversation);
        }
        try {
            for (Map.Entry<Integer, Fd> each : descriptors.entrySet())
                send(peerid, deadline, new Handed(each.getKey()), each.getValue());
            send(peerid, deadline, request);
            return peerid;
        } catch (IOException | RuntimeException | Error e) {
            synchronized (this) {
                open.remove(peerid);
            }
            throw e;
        }
    }

    void send(int peerid, Duration deadline, Request request) throws IOException {
        send(peerid, deadline, request, null);
    }

    private void send(int peerid, Duration deadline, Request request, @Nullable Fd fd) throws IOException {
        try (Ibuf payload = request.payload(deadline, channel.maxSize());
                Imsg message = Imsg.of(request.type(), peerid, 0, payload)) {
            channel.send(fd == null ? message : message.withFd(fd));
        }
    }

    private void read() {
        IOException why = new EOFException("the monitor has closed the channel");
        try {
            for (Imsg reply; (reply = channel.receive()) != null;)
                dispatch(reply);
        } catch (IOException e) {
            why = e;
        } catch (RuntimeException e) {
            why = new IOException("a reply could not be taken", e);
            LOG.log(Level.ERROR, "a reply of the monitor could not be taken", e);
        }
        end(why);
    }

    private void dispatch(Imsg reply) {
        Conversation conversation;
        synchronized (this) {
            conversation = open.get(reply.id());
        }
        if (conversation == null) {
            reply.close();
            LOG.log(Level.WARNING, "a reply belongs to no request: {0}", reply);
        } else if (conversation.take(reply)) {
            synchronized (this) {
                open.remove(reply.id());
            }
        }
    }

    private void end(IOException why) {
        List<Conversation> left;
        synchronized (this) {
            if (ended == null)
                ended = why;
            left = List.copyOf(open.values());
            open.clear();
        }
        left.forEach(each -> each.end(why));
        over.countDown();
    }

    void awaitEnd() throws InterruptedException {
        over.await();
    }

    /** A request with one reply; a reply after the deadline is closed. */
    private static final class SingleReply implements Conversation {
        private final CompletableFuture<Imsg> reply = new CompletableFuture<>();

        @Override
        public boolean take(Imsg message) {
            if (!reply.complete(message))
                message.close();
            return true;
        }

        @Override
        public void end(IOException why) {
            reply.completeExceptionally(why);
        }

        Imsg await(Request request, Duration deadline) throws IOException {
            try {
                return awaited(reply, request, deadline);
            } catch (IOException e) {
                if (reply.cancel(false) || reply.isCompletedExceptionally())
                    throw e;
                return reply.resultNow();
            }
        }
    }

    /** Waits for another thread's result, or fails. */
    static <T> T awaited(CompletableFuture<T> promise, Object what, Duration deadline) throws IOException {
        try {
            return promise.get(TimeUnit.NANOSECONDS.convert(deadline), TimeUnit.NANOSECONDS);
        } catch (TimeoutException _) {
            throw new RequestExpiredException(what.toString(), deadline);
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
            throw new InterruptedIOException("interrupted while waiting to " + what);
        } catch (ExecutionException e) {
            throw rethrown(e.getCause());
        }
    }

    /** Makes an exception of the same kind with the stack of the thread that waited. */
    private static IOException rethrown(Throwable cause) {
        if (cause instanceof EOFException end) {
            EOFException again = new EOFException(end.getMessage());
            again.initCause(end);
            return again;
        }
        return cause instanceof IOException failure ? failure : new IOException(cause);
    }

    @Override
    public void close() {
        try {
            channel.close();
        } catch (IOException e) {
            LOG.log(Level.DEBUG, "the channel does not close", e);
        }
    }

    @Override
    public String toString() {
        return channel.toString();
    }
}
