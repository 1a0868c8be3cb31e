package org.imsg.unix;

import static org.imsg.sys.Deadline.FOREVER;

import java.io.IOException;
import java.net.SocketTimeoutException;
import java.nio.channels.AsynchronousCloseException;
import java.nio.channels.ClosedByInterruptException;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.spi.AbstractInterruptibleChannel;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Function;
import java.util.function.Predicate;
import org.imsg.sys.Constants;
import org.imsg.sys.Deadline;
import org.imsg.sys.Readiness;
import org.jspecify.annotations.Nullable;

/**
 * A listening Unix stream socket that hands out connected sockets: what {@code ImsgListener} is made of, for programs that
 * speak another protocol.
 *
 * <p><b>The socket's file.</b> Bound at a path, the file has its mode before any peer can connect (on Linux; elsewhere the
 * umask decides for a moment). A stale socket, one that refuses connections since its listener is dead, is replaced; any other
 * file stays, and listening fails with EADDRINUSE. {@link #close()} removes the file, unless another one stands there by then.
 *
 * <p><b>Two that start at once.</b> Exactly one listens and the other fails with EADDRINUSE. From bind(2) to listen(2) a
 * socket refuses connections as a stale one does, so a listener does both, and looks for a stale socket, under a lock: flock(2)
 * on a file named as the socket with {@code .lock} behind it, of mode 0600, which is removed again. To bind at a temporary name
 * and link(2) it in place needs no lock to appear, but cannot remove a stale socket without a race, and leaves the
 * temporary name in the kernel's tables for ss(8) and getpeername(2). A lock that a crash leaves behind is free, and does no
 * harm. A program that does not take the lock can still be mistaken for dead between its bind(2) and its listen(2).
 *
 * <p><b>Threads.</b> Safe for several. {@link #close()} from another thread ends a wait with an AsynchronousCloseException; an
 * interrupt closes the listener and ends the wait with a ClosedByInterruptException.
 */
public final class UnixListener extends AbstractInterruptibleChannel {
    /** How many connections {@code serve} serves at once, unless {@link #maxConnections(int)} says otherwise. */
    public static final int MAX_CONNECTIONS = 1024;
    /** How many of them may be one user's, unless {@link #maxConnectionsOfUid(int)} says otherwise. */
    public static final int MAX_CONNECTIONS_OF_UID = 256;

    private static final long SHORTEST_PAUSE = TimeUnit.MILLISECONDS.toNanos(10);
    private static final long LONGEST_PAUSE = TimeUnit.SECONDS.toNanos(1);
    /** Failures closer together than this are one shortage, and one record. */
    private static final long SAME_SHORTAGE = TimeUnit.SECONDS.toNanos(10);

    private final Fd socket;
    private final UnixAddress address;
    private final @Nullable SocketFile file;
    private final ReentrantLock acceptLock = new ReentrantLock();
    private final AtomicReference<@Nullable Connections<?>> served = new AtomicReference<>();
    private final BoundedLog log = new BoundedLog(System.getLogger(UnixListener.class.getName()));
    private final Admission admission;
    private volatile Predicate<PeerCredentials> allowed = _ -> true;
    private volatile long lastShortage = System.nanoTime() - SAME_SHORTAGE;
    private volatile int maxConnections = MAX_CONNECTIONS;
    private volatile int maxConnectionsOfUid = MAX_CONNECTIONS_OF_UID;
    /** Written and read under the lock of {@code served}. */
    private boolean handedOn;

    private UnixListener(Fd socket, UnixAddress address, @Nullable SocketFile file) {
        this.socket = socket;
        this.address = address;
        this.file = file;
        admission = new Admission(address, log);
    }

    /**
     * Begins to describe a listener.
     *
     * @param address where it listens
     * @return what to set the rest on
     */
    public static Builder<UnixListener> at(UnixAddress address) {
        return at(address, Function.identity());
    }

    /**
     * Begins to describe a listener that another class wraps.
     *
     * @param <L> the class
     * @param address where it listens
     * @param wrapping makes it of the listener, which it then owns
     * @return what to set the rest on
     */
    public static <L> Builder<L> at(UnixAddress address, Function<UnixListener, L> wrapping) {
        return new Builder<>(address, wrapping);
    }

    /**
     * Listens with a socket that listens already: one inherited, activated by systemd (LISTEN_FDS), handed on by
     * {@link #handOn()}, or received. The socket becomes non-blocking, for every process that holds it. Its file stays
     * when this listener is closed, for only the process that bound it can tell that it is its own.
     *
     * @param socket a listening Unix stream socket; the listener's then, unless this throws
     * @return a listener
     * @throws IllegalArgumentException if it is not a listening Unix stream socket; the message says what it is
     * @throws IllegalStateException if the descriptor is closed or was handed on
     * @throws IOException if it is not a socket, an {@link ErrnoException}
     */
    public static UnixListener of(Fd socket) throws IOException {
        socket.intValue(); // throws if it is closed or was handed on
        int type = Sockets.intOption(socket, "SO_TYPE");
        UnixAddress address = Sockets.localAddress(socket);
        if (address == null)
            throw new IllegalArgumentException(socket + " is not a Unix socket");
        if (type != Constants.SOCK_STREAM)
            throw new IllegalArgumentException("imsg needs a stream socket (type " + Constants.SOCK_STREAM + "), "
                    + socket + " is of type " + type);
        if (Sockets.intOption(socket, "SO_ACCEPTCONN") == 0)
            throw new IllegalArgumentException(socket + " does not listen");
        Sockets.blocking(socket, false);
        Fd own = socket.move();
        try {
            return new UnixListener(own, address, null);
        } catch (RuntimeException | Error e) {
            own.close();
            throw e;
        }
    }

    /**
     * How a listener is made; not safe for two threads at once.
     *
     * @param <L> what {@link #listen()} returns
     */
    public static final class Builder<L> {
        private final UnixAddress address;
        private final Function<UnixListener, L> wrapping;
        private int mode = 0600;
        private int backlog = 128;
        private boolean replaceStale = true;

        private Builder(UnixAddress address, Function<UnixListener, L> wrapping) {
            this.address = address;
            this.wrapping = wrapping;
        }

        /**
         * Sets the permission bits of the socket's file, which say who may connect. 0600 unless set.
         *
         * @param bits 0 to 0777; the process's umask does not matter
         * @return this
         * @throws IllegalArgumentException if there are other bits in it
         */
        public Builder<L> mode(int bits) {
            if ((bits & ~0777) != 0)
                throw new IllegalArgumentException("a mode is 0 to 0777, not 0" + Integer.toOctalString(bits));
            mode = bits;
            return this;
        }

        /**
         * Sets how many connections may wait to be accepted. 128 unless set.
         *
         * @param connections 1 or more; the system has a limit of its own
         * @return this
         * @throws IllegalArgumentException if it is less
         */
        public Builder<L> backlog(int connections) {
            backlog = atLeastOne("backlog", connections);
            return this;
        }

        /**
         * Says whether a stale socket at the path is replaced. It is unless set. The listener connects to it to find out: a
         * listener that is alive accepts a peer that leaves at once.
         *
         * @param replace whether it is
         * @return this
         */
        public Builder<L> replaceStale(boolean replace) {
            replaceStale = replace;
            return this;
        }

        /**
         * Binds and listens. Leaves no file behind when it fails.
         *
         * @return the listener
         * @throws IOException if the address is taken, with EADDRINUSE, or cannot be bound, an {@link ErrnoException}; with EAGAIN
         *     if another process holds the lock of the path for ten seconds; an {@link java.io.InterruptedIOException} if the
         *     thread is interrupted while it waits for the lock
         */
        public L listen() throws IOException {
            SocketFile.Listening made = SocketFile.listen(address, mode, backlog, replaceStale);
            try {
                return wrapping.apply(new UnixListener(made.socket(), address, made.file()));
            } catch (Throwable e) {
                made.close();
                throw e;
            }
        }
    }

    /**
     * Sets which peers are accepted. The others' connections are closed at once, and logged. All are unless set.
     *
     * @param check decides by the ids the kernel vouches for; called on the accepting thread
     * @return this
     */
    public UnixListener allow(Predicate<PeerCredentials> check) {
        allowed = check;
        return this;
    }

    /**
     * Sets how many connections {@code serve} serves at once. Further ones wait in the backlog. {@value #MAX_CONNECTIONS}
     * unless set.
     *
     * @param connections 1 or more; less than the process may have descriptors
     * @return this
     * @throws IllegalArgumentException if it is less
     */
    public UnixListener maxConnections(int connections) {
        maxConnections = atLeastOne("bound on connections", connections);
        return this;
    }

    /**
     * Sets how many connections of one user {@code serve} serves at once. Further ones are closed when they are accepted.
     * {@value #MAX_CONNECTIONS_OF_UID} unless set.
     *
     * @param connections 1 or more
     * @return this
     * @throws IllegalArgumentException if it is less
     */
    public UnixListener maxConnectionsOfUid(int connections) {
        maxConnectionsOfUid = atLeastOne("bound on connections", connections);
        return this;
    }

    private static int atLeastOne(String what, int number) {
        if (number < 1)
            throw new IllegalArgumentException("a " + what + " is 1 or more, not " + number);
        return number;
    }

    /**
     * Accepts a connection, however long it takes for one to come. While the process or the system has no descriptor or no
     * memory left, it waits in the backlog, and one record is logged.
     *
     * @return the connected socket of a peer that is allowed, the caller's; blocking and close-on-exec
     * @throws IOException if it fails otherwise, an {@link ErrnoException}, or the listener is closed
     */
    public Fd accept() throws IOException {
        return accept(FOREVER);
    }

    /**
     * Accepts a connection.
     *
     * @param timeout how long to wait for one, 0 or more
     * @return as {@link #accept()}
     * @throws SocketTimeoutException if none comes in time
     * @throws IOException as {@link #accept()}; with EMFILE, ENFILE, ENOBUFS or ENOMEM if there still is no room for one
     */
    public Fd accept(Duration timeout) throws IOException {
        return accept(Deadline.in(timeout));
    }

    private Fd accept(long deadline) throws IOException {
        for (;;) {
            Fd connection = acceptThroughShortage(deadline);
            try {
                PeerCredentials peer = Sockets.peerCredentials(connection);
                if (allowed.test(peer)) {
                    admission.accepted(peer);
                    return connection;
                }
                admission.notAllowed(peer);
            } catch (Throwable e) {
                connection.close();
                throw e;
            }
            connection.close();
            if (Deadline.left(deadline) <= 0)
                throw new SocketTimeoutException("no connection to " + address + " in time that is allowed");
        }
    }

    private Fd acceptThroughShortage(long deadline) throws IOException {
        for (;;) {
            try {
                return acceptAny(deadline);
            } catch (ErrnoException e) {
                if (!e.isShortage() || Deadline.left(deadline) <= 0)
                    throw e;
                tell(e);
                LockSupport.parkNanos(this, Math.min(SHORTEST_PAUSE, Deadline.left(deadline)));
                if (Thread.currentThread().isInterrupted())
                    throw interrupted();
            }
        }
    }

    /** One record a shortage, which may be of the memory for the record's text. */
    private void tell(Throwable shortage) {
        long now = System.nanoTime();
        boolean another = now - lastShortage >= SAME_SHORTAGE;
        lastShortage = now;
        try {
            if (another)
                log.warn("connections to " + address + " have to wait: " + shortage, null);
        } catch (Throwable _) {
            // The next shortage is told.
        }
    }

    /** One connection, of any peer. */
    private Fd acceptAny(long deadline) throws IOException {
        if (!takeTurn(deadline))
            throw new SocketTimeoutException("another thread was accepting");
        try {
            Fd connection = Sockets.accept(socket);
            return connection != null ? connection : awaitConnection(deadline);
        } finally {
            acceptLock.unlock();
        }
    }

    /** Waits for other threads to be done; false if the deadline has passed. An interrupt closes the listener. */
    private boolean takeTurn(long deadline) throws IOException {
        if (acceptLock.tryLock())
            return true;
        try {
            if (deadline != FOREVER)
                return acceptLock.tryLock(Math.max(0, deadline - System.nanoTime()), TimeUnit.NANOSECONDS);
            acceptLock.lockInterruptibly();
            return true;
        } catch (InterruptedException _) {
            throw interrupted();
        }
    }

    private ClosedByInterruptException interrupted() throws IOException {
        Thread.currentThread().interrupt();
        close();
        return new ClosedByInterruptException();
    }

    private Fd awaitConnection(long deadline) throws IOException {
        Fd connection = null;
        boolean timedOut = false;
        begin();
        try {
            while (connection == null && isOpen() && !timedOut) {
                timedOut = !socket.await(Readiness.READABLE, deadline);
                if (isOpen())
                    connection = Sockets.accept(socket);
            }
        } finally {
            end(connection, timedOut);
        }
        if (connection == null)
            throw new SocketTimeoutException("no connection to " + address + " in time");
        return connection;
    }

    /** After an interrupt this throws, be there a connection or not. */
    private void end(@Nullable Fd connection, boolean timedOut) throws AsynchronousCloseException {
        try {
            end(connection != null || timedOut);
        } catch (AsynchronousCloseException e) {
            if (connection != null)
                connection.close();
            throw e;
        }
    }

    /**
     * Accepts connections and serves each on a virtual thread of its own, until the listener is closed. Returns when the last
     * connection has ended.
     *
     * <ul>
     * <li>{@link #close()} from any thread closes every connection as well, and interrupts its thread. After
     * {@link #handOn()} the connections there are served to their ends. An interrupt of the serving thread is like
     * {@code close()}.
     * <li>What a handler throws, an Error too, ends its connection only, and is logged. Of what connections cause, ten records
     * a second are written, and the number of the others.
     * <li>While there are {@link #maxConnections(int)} connections, further ones wait in the backlog; beyond
     * {@link #maxConnectionsOfUid(int)} those of that user are closed.
     * <li>When the process or the system has no descriptor or no memory left, accepting pauses until a connection has ended, a
     * second at most, and goes on. One record is written for each shortage.
     * </ul>
     *
     * @param <C> what a connection is made into
     * @param opener makes it of a connected socket, which it takes over
     * @param handler what is done with each; the connection is closed when it returns or throws
     * @throws IllegalStateException if the listener is served already
     * @throws ClosedByInterruptException if the thread is interrupted; all is closed
     * @throws IOException if the listener is closed when this is called, or can accept no more; the listener is closed
     */
    public <C extends AutoCloseable> void serve(Function<Fd, C> opener, ConnectionHandler<? super C> handler)
            throws IOException {
        Connections<C> connections = new Connections<>(address, opener, handler, log, admission);
        if (!served.compareAndSet(null, connections))
            throw new IllegalStateException(this + " is served already");
        try {
            if (!isOpen())
                throw new ClosedChannelException();
            acceptInto(connections);
        } finally {
            close();
            connections.awaitEnd();
        }
        if (Thread.currentThread().isInterrupted())
            throw new ClosedByInterruptException();
    }

    private void acceptInto(Connections<?> connections) throws IOException {
        long pause = 0;
        while (awaitRoom(connections, pause)) {
            Throwable shortage;
            try {
                shortage = connections.begin(acceptAny(FOREVER), allowed, maxConnectionsOfUid);
            } catch (ClosedByInterruptException e) {
                throw e;
            } catch (ClosedChannelException _) {
                return;
            } catch (ErrnoException e) {
                if (!e.isShortage())
                    throw e;
                shortage = e;
            } catch (OutOfMemoryError e) {
                shortage = e;
            }
            pause = shortage == null ? 0 : Math.clamp(2 * pause, SHORTEST_PAUSE, LONGEST_PAUSE);
            if (shortage != null)
                tell(shortage);
        }
    }

    private boolean awaitRoom(Connections<?> connections, long pause) throws IOException {
        try {
            return connections.awaitRoom(maxConnections, pause);
        } catch (InterruptedException _) {
            throw interrupted();
        }
    }

    /**
     * Stops listening here and gives the socket away, its file and its backlog with it: to a process that is started
     * or is sent it and calls {@link #of(Fd)}, so that no client is refused during a restart. Connections that {@code serve}
     * serves go on.
     *
     * @return the listening socket, the caller's
     * @throws ClosedChannelException if the listener is closed
     * @throws IOException if there is no room in the descriptor table, an {@link ErrnoException}; the listener goes on
     */
    public Fd handOn() throws IOException {
        Fd heir;
        synchronized (served) {
            if (!isOpen())
                throw new ClosedChannelException();
            heir = socket.dup();
            handedOn = true;
        }
        close();
        return heir;
    }

    /** Stops listening, removes the socket's file if it is still this listener's, and ends what {@code serve} serves. */
    @Override
    protected void implCloseChannel() throws IOException {
        boolean going;
        synchronized (served) {
            going = handedOn;
        }
        Connections<?> connections = served.get();
        try {
            if (file != null && !going)
                file.remove();
        } finally {
            socket.close();
            // Last, for to close one may take its time.
            if (connections != null)
                connections.end(!going);
        }
    }

    /**
     * The listening socket's descriptor, for an event loop to watch. It stays the listener's.
     *
     * @return the number
     * @throws ClosedChannelException if the listener is closed
     */
    public int fd() throws ClosedChannelException {
        if (!isOpen())
            throw new ClosedChannelException();
        return socket.intValue();
    }

    /**
     * The numbers of connections so far, by what became of them.
     *
     * @param accepted how many were accepted
     * @param notAllowed how many were closed at once, as {@link #allow(Predicate)} says
     * @param tooMany how many were closed at once for {@link #maxConnectionsOfUid(int)}
     * @param open how many {@code serve} serves now
     */
    public record Counters(long accepted, long notAllowed, long tooMany, int open) {}

    /**
     * Returns the counters, for programs that watch themselves.
     *
     * @return the numbers of this moment
     */
    public Counters counters() {
        Connections<?> connections = served.get();
        return new Counters(admission.accepted.get(), admission.notAllowed.get(), admission.tooMany.get(),
                connections == null ? 0 : connections.count());
    }

    /**
     * Where this listens.
     *
     * @return the address
     */
    public UnixAddress address() {
        return address;
    }

    @Override
    public String toString() {
        return "listener at " + address;
    }
}
