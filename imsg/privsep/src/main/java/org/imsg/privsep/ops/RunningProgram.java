package org.imsg.privsep.ops;

import java.io.IOException;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import org.imsg.Imsg;
import org.imsg.unix.Child;
import org.imsg.unix.Fd;

/**
 * A program that the monitor runs for this process under another user. Its pipes are descriptors of this process; those that are
 * not taken are closed with it. Thread-safe.
 */
public final class RunningProgram implements AutoCloseable {
    private static final Duration FOREVER = Duration.ofSeconds(Long.MAX_VALUE);

    private final Conversations conversations;
    private final Fd[] streams = new Fd[3];
    private final CompletableFuture<Void> started = new CompletableFuture<>();
    private final CompletableFuture<Child.ExitStatus> exit = new CompletableFuture<>();
    private volatile int peerid;
    private volatile int pid;
    private volatile int uid;
    private boolean closed;

    RunningProgram(Conversations conversations) {
        this.conversations = conversations;
    }

    RunningProgram awaitStarted(int request, Object what, Duration deadline) throws IOException {
        peerid = request;
        try {
            Conversations.awaited(started, what, deadline);
            return this;
        } catch (IOException e) {
            close();
            throw e;
        }
    }

    /** Takes the replies in the thread that reads the channel. */
    Conversations.Conversation replies() {
        return new Conversations.Conversation() {
            @Override
            public boolean take(Imsg reply) {
                try (reply) {
                    return RunningProgram.this.take(reply);
                } catch (MalformedRequestException e) {
                    end(new IOException("the monitor's answer is malformed: " + e.getMessage(), e));
                    return true;
                }
            }

            @Override
            public void end(IOException why) {
                fail(why);
            }
        };
    }

    /** Takes a reply; returns whether it was the last. */
    private boolean take(Imsg reply) throws MalformedRequestException {
        Fields fields = Fields.of(reply);
        switch (reply.type()) {
            case OperationProtocol.STARTED -> {
                pid = fields.n32("pid");
                uid = fields.n32("uid");
                return false;
            }
            case OperationProtocol.STREAM -> {
                keep(fields.oneOf("which", new Integer[]{0, 1, 2}), reply.takeFd());
                return false;
            }
            case OperationProtocol.EXITED -> {
                exit.complete(new Child.ExitStatus(fields.n32("code"), fields.n32("signal")));
                return true;
            }
            default -> {
                IOException failure = Reply.failure(reply, "the program", Duration.ZERO);
                fail(failure != null ? failure : new IOException("an unexpected reply: " + reply));
                return true;
            }
        }
    }

    private synchronized void keep(int which, Fd fd) {
        if (fd == null) {
            fail(new IOException("a pipe of the program did not arrive"));
            return;
        }
        if (closed || streams[which] != null)
            fd.close();
        else
            streams[which] = fd;
        if (which == 2)
            started.complete(null);
    }

    private void fail(IOException why) {
        started.completeExceptionally(why);
        exit.completeExceptionally(why);
    }

    /**
     * Returns the program's process id.
     *
     * @return 1 or more
     */
    public int pid() {
        return pid;
    }

    /**
     * Returns the user of the program.
     *
     * @return its id
     */
    public long uid() {
        return Integer.toUnsignedLong(uid);
    }

    /**
     * Returns the end of the pipe that the program reads from.
     *
     * @return the descriptor, this object's unless it is moved
     */
    public Fd stdin() {
        return streams[0];
    }

    /**
     * Returns the end of the pipe that the program writes its output to.
     *
     * @return the descriptor, this object's unless it is moved
     */
    public Fd stdout() {
        return streams[1];
    }

    /**
     * Returns the end of the pipe that the program writes its errors to.
     *
     * @return the descriptor, this object's unless it is moved
     */
    public Fd stderr() {
        return streams[2];
    }

    /**
     * Sends the program a signal. If it has a user of its own, the processes that it has started are killed when it ends.
     *
     * @param signal its number, 1 to 64
     * @throws IOException if the request cannot be sent
     */
    public void kill(int signal) throws IOException {
        conversations.send(peerid, Duration.ZERO, new Signal(signal));
    }

    /**
     * Waits for the end of the program, and of every process of its user if it has one of its own.
     *
     * @return the exit code or the signal
     * @throws IOException if the parent is gone, an {@link java.io.EOFException}, or the thread is interrupted, an
     *     {@link java.io.InterruptedIOException}
     */
    public Child.ExitStatus waitFor() throws IOException {
        return Conversations.awaited(exit, "wait for the program", FOREVER);
    }

    /**
     * Waits for the end, until a timeout.
     *
     * @param timeout the longest wait
     * @return the exit code or the signal, or empty if the program runs on
     * @throws IOException as {@link #waitFor()}
     */
    public Optional<Child.ExitStatus> waitFor(Duration timeout) throws IOException {
        try {
            return Optional.of(Conversations.awaited(exit, "wait for the program", timeout));
        } catch (RequestExpiredException _) {
            return Optional.empty();
        }
    }

    /** Closes the pipes that were not moved, and kills the program if it has not ended. */
    @Override
    public void close() {
        synchronized (this) {
            closed = true;
            for (Fd each : streams)
                if (each != null)
                    each.close();
        }
        if (!exit.isDone()) {
            try {
                kill(Signal.KILL);
            } catch (IOException e) {
                // The parent is gone, and the program with it.
                exit.completeExceptionally(e);
            }
        }
    }
}
