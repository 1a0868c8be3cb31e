package org.imsg;

import static org.imsg.sys.Readiness.FOREVER;

import java.io.IOException;
import java.lang.System.Logger;
import java.net.SocketTimeoutException;
import java.nio.channels.AsynchronousCloseException;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.spi.AbstractInterruptibleChannel;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.time.Duration;
import java.util.EnumSet;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Predicate;
import org.imsg.sys.OpenDescriptor;
import org.imsg.sys.Constants;
import org.imsg.sys.Readiness;
import org.imsg.unix.ErrnoException;
import org.imsg.unix.Fd;
import org.imsg.unix.PeerCredentials;
import org.imsg.unix.Sockets;
import org.imsg.unix.UnixAddress;

/**
 * A listening Unix stream socket whose connections are {@link ImsgChannel}s: what a daemon opens for its control program.
 *
 * {@snippet file = "org/imsg/ChannelSnippets.java" region = "daemon"}
 *
 * <p>The socket's file has its mode before anybody can connect (on Linux), a stale one left by a dead daemon is replaced, a
 * live one is not (but two daemons that find the same stale one in the same moment can take the path from each other: have one
 * started), and closing removes the file unless somebody else's stands there by then. Safe for several threads;
 * {@link #close} from another ends a wait with an AsynchronousCloseException.
 */
public final class ImsgListener extends AbstractInterruptibleChannel {
    private static final Logger LOGGER = System.getLogger(ImsgListener.class.getName());

    private final Fd socket;
    private final UnixAddress address;
    private final Object fileKey;
    private final Predicate<PeerCredentials> allowed;
    private final ReentrantLock acceptLock = new ReentrantLock();

    private ImsgListener(Fd socket, Builder builder) throws IOException {
        this.socket = socket;
        this.address = builder.address;
        this.allowed = builder.allowed;
        this.fileKey = address.path() == null ? null : fileKey(address.path());
    }

    /**
     * Listens at a path, with mode 0600 and a backlog of 128, for any peer that can open it.
     *
     * @param path where; a stale socket there is replaced
     * @return a listener
     * @throws IOException if the path is taken or cannot be bound, an {@link ErrnoException}
     */
    public static ImsgListener listen(Path path) throws IOException {
        return at(UnixAddress.of(path)).listen();
    }

    /**
     * Begins to describe a listener.
     *
     * @param address where it listens
     * @return what to set the rest on
     */
    public static Builder at(UnixAddress address) {
        return new Builder(address);
    }

    /** How a listener is to be; not safe for two threads at once. */
    public static final class Builder {
        private final UnixAddress address;
        private int mode = 0600;
        private int backlog = 128;
        private boolean replaceStale = true;
        private Predicate<PeerCredentials> allowed = _ -> true;

        private Builder(UnixAddress address) {
            this.address = address;
        }

        /**
         * Sets the permission bits of the socket's file: who may connect. 0600 unless set.
         *
         * @param bits 0 to 0777; the process's umask does not matter
         * @return this
         * @throws IllegalArgumentException if there are other bits in it
         */
        public Builder mode(int bits) {
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
        public Builder backlog(int connections) {
            if (connections < 1)
                throw new IllegalArgumentException("a backlog is 1 or more, not " + connections);
            backlog = connections;
            return this;
        }

        /**
         * Says whether a socket at the path to which nobody listens any more is removed first. It is unless set. To find out,
         * one connects to it: a listener that does live accepts a peer that leaves at once.
         *
         * @param replace whether it is
         * @return this
         */
        public Builder replaceStale(boolean replace) {
            replaceStale = replace;
            return this;
        }

        /**
         * Sets which peers are accepted; the others' connections are closed at once, and logged. All are unless set.
         *
         * @param check decides by the ids the kernel vouches for; called on the accepting thread
         * @return this
         */
        public Builder allow(Predicate<PeerCredentials> check) {
            allowed = check;
            return this;
        }

        /**
         * Binds and listens.
         *
         * @return the listener
         * @throws IOException if the address is taken, with EADDRINUSE, or cannot be bound, an {@link ErrnoException}
         */
        public ImsgListener listen() throws IOException {
            Fd socket = bind();
            try {
                if (address.path() != null)
                    Files.setPosixFilePermissions(address.path(), permissions(mode));
                return new ImsgListener(socket, this);
            } catch (IOException | RuntimeException | Error e) {
                socket.close();
                throw e;
            }
        }

        private Fd bind() throws IOException {
            try {
                return Sockets.listen(address, mode, backlog);
            } catch (ErrnoException e) {
                if (e.number() != Constants.EADDRINUSE || !replaceStale || address.path() == null || !isStale())
                    throw e;
                Files.deleteIfExists(address.path());
                return Sockets.listen(address, mode, backlog);
            }
        }

        /** Whether a socket stands there to which nobody listens; any other file is not ours to remove. */
        private boolean isStale() throws IOException {
            try {
                Sockets.connect(address, System.nanoTime()).close();
                return false;
            } catch (ErrnoException e) {
                return e.number() == Constants.ENOENT
                        || e.number() == Constants.ECONNREFUSED && isSocket(address.path());
            } catch (NoSuchFileException _) {
                return true;
            } catch (SocketTimeoutException _) {
                return false;
            }
        }

        private static boolean isSocket(Path path) throws IOException {
            int fileMode = (int) Files.getAttribute(path, "unix:mode", LinkOption.NOFOLLOW_LINKS);
            return (fileMode & Constants.S_IFMT) == Constants.S_IFSOCK;
        }

        private static Set<PosixFilePermission> permissions(int bits) {
            Set<PosixFilePermission> permissions = EnumSet.noneOf(PosixFilePermission.class);
            PosixFilePermission[] fromOwnerRead = PosixFilePermission.values();
            for (int i = 0; i < fromOwnerRead.length; i++)
                if ((bits & 0400 >> i) != 0)
                    permissions.add(fromOwnerRead[i]);
            return permissions;
        }
    }

    /**
     * Accepts a connection; waits for one as long as it takes.
     *
     * @return a channel to a peer that is allowed
     * @throws ErrnoException if it fails; with EMFILE or ENFILE the connection stays in the backlog, and a later call
     *     may succeed
     * @throws IOException if the listener is closed
     */
    public ImsgChannel accept() throws IOException {
        return accept(FOREVER);
    }

    /**
     * Accepts a connection.
     *
     * @param timeout how long to wait for one, 0 or more
     * @return a channel to a peer that is allowed
     * @throws SocketTimeoutException if none comes in time
     * @throws IOException as {@link #accept()}
     */
    public ImsgChannel accept(Duration timeout) throws IOException {
        return accept(ImsgChannel.deadline(timeout));
    }

    private ImsgChannel accept(long deadline) throws IOException {
        if (!takeTurn(deadline))
            throw new SocketTimeoutException("another thread was accepting");
        try {
            for (;;) {
                Fd connection = acceptAny(deadline);
                if (connection == null)
                    throw new SocketTimeoutException("no connection to " + address + " in time");
                ImsgChannel channel = ImsgChannel.ofConnected(connection);
                if (isAllowed(channel))
                    return channel;
            }
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
            Thread.currentThread().interrupt();
            begin();
            end(false);
            throw new AsynchronousCloseException();
        }
    }

    /** One connection, or null when the deadline has passed. */
    private Fd acceptAny(long deadline) throws IOException {
        int number = OpenDescriptor.of(socket).enter();
        try {
            Fd connection = Sockets.accept(number);
            return connection != null ? connection : awaitConnection(number, deadline);
        } finally {
            OpenDescriptor.of(socket).exit();
        }
    }

    private Fd awaitConnection(int number, long deadline) throws IOException {
        Fd connection = null;
        boolean timedOut = false;
        begin();
        try {
            while (connection == null && isOpen() && !timedOut) {
                timedOut = !OpenDescriptor.of(socket).await(Readiness.READABLE, deadline);
                if (isOpen())
                    connection = Sockets.accept(number);
            }
            return connection;
        } finally {
            end(connection, timedOut);
        }
    }

    /** After an interrupt this throws, be there a connection or not. */
    private void end(Fd connection, boolean timedOut) throws AsynchronousCloseException {
        try {
            end(connection != null || timedOut);
        } catch (AsynchronousCloseException e) {
            if (connection != null)
                connection.close();
            throw e;
        }
    }

    private boolean isAllowed(ImsgChannel channel) throws IOException {
        boolean answer = false;
        try {
            PeerCredentials peer = channel.peerCredentials();
            answer = allowed.test(peer);
            if (!answer)
                LOGGER.log(Logger.Level.WARNING, "refused a connection to {0} from {1}", address, peer);
        } finally {
            if (!answer)
                channel.close();
        }
        return answer;
    }

    /** Stops listening and removes the socket's file, if it is still this listener's. */
    @Override
    protected void implCloseChannel() throws IOException {
        try {
            if (fileKey != null && fileKey.equals(fileKey(address.path())))
                Files.deleteIfExists(address.path());
        } finally {
            socket.close();
        }
    }

    private static Object fileKey(Path path) throws IOException {
        try {
            return Files.getAttribute(path, "unix:ino", LinkOption.NOFOLLOW_LINKS);
        } catch (NoSuchFileException _) {
            return null;
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
     * Where this listens.
     *
     * @return the address
     */
    public UnixAddress address() {
        return address;
    }

    @Override
    public String toString() {
        return "imsg listener at " + address;
    }
}
