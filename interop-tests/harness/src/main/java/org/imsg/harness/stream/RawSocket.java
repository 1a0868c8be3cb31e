package org.imsg.harness.stream;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static org.imsg.sys.Constants.EAGAIN;
import static org.imsg.sys.Constants.EINTR;
import static org.imsg.sys.Constants.ENOBUFS;
import static org.imsg.sys.Constants.ENOMEM;
import static org.imsg.sys.Constants.ETOOMANYREFS;
import static org.imsg.sys.Constants.MSG_DONTWAIT;
import static org.imsg.sys.Constants.MSG_PEEK;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.net.SocketTimeoutException;
import java.nio.channels.AsynchronousCloseException;
import java.nio.channels.ClosedChannelException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.imsg.sys.Constants;
import org.imsg.sys.Deadline;
import org.imsg.sys.Msghdr;
import org.imsg.sys.OpenDescriptor;
import org.imsg.sys.Os;
import org.imsg.sys.Posix;
import org.imsg.sys.Readiness;
import org.imsg.unix.Errno;
import org.imsg.unix.ErrnoException;
import org.imsg.unix.Fd;
import org.imsg.unix.PeerCredentials;
import org.imsg.unix.Sockets;
import org.imsg.unix.UnixAddress;
import org.jspecify.annotations.Nullable;

/**
 * A connected Unix stream socket, read and written as bytes with descriptors. Unlike any reader of messages it finds out at which
 * byte a descriptor was sent: Linux hands over the bytes before it in the same recvmsg(2), so where MSG_PEEK tells of one it
 * reads byte by byte.
 *
 * <p>One thread may read and another write; {@link #close()} from a third ends both.
 */
public final class RawSocket implements AutoCloseable {
    private static final int CAPACITY = 65536;
    private static final int SO_MEMINFO = 55; // Linux, asm-generic/socket.h; the values: linux/sock_diag.h
    private static final int MEMINFO_VALUES = 9;
    private static final int MEMINFO_WMEM_ALLOC = 2;
    private static final long PAUSE_NANOS = 100_000;
    private static final long LONG_PAUSE_NANOS = 10_000_000;

    private final Fd socket;
    private final OpenDescriptor descriptor;
    /** A chunk that was read already: the bytes that came with a descriptor, after those before them were handed out. */
    private @Nullable Chunk next;

    /** The memory of one call: its arena's, so that a close by another thread takes it from no call. */
    private record Buffer(Msghdr header, MemorySegment bytes) {
        /** One recvmsg(2) that does not wait for bytes; for memory of the kernel it does, since bytes before are read already. */
        int receive(int number, int length, int flags) {
            for (;;) {
                int n = header.receive(number, bytes.address(), length, flags | MSG_DONTWAIT);
                if (n != -ENOMEM && n != -ENOBUFS && n != -EINTR)
                    return n;
                LockSupport.parkNanos(PAUSE_NANOS);
            }
        }
    }

    private RawSocket(Fd socket) {
        this.socket = socket;
        this.descriptor = OpenDescriptor.of(socket);
    }

    /**
     * Takes over a connected socket.
     *
     * @param socket a Unix stream socket, this one's then
     * @return the socket
     */
    public static RawSocket of(Fd socket) {
        return new RawSocket(socket.move());
    }

    /**
     * Two sockets connected to each other: socketpair(2).
     *
     * @return both ends
     * @throws IOException if there is no room in the descriptor table
     */
    public static Pair pair() throws IOException {
        Fd.Pair pair = Fd.socketpair();
        return new Pair(of(pair.first()), of(pair.second()));
    }

    /**
     * Two connected sockets.
     *
     * @param first one end
     * @param second the other
     */
    public record Pair(RawSocket first, RawSocket second) implements AutoCloseable {
        @Override
        public void close() {
            first.close();
            second.close();
        }
    }

    /**
     * Connects to a socket; waits ten seconds for room in the backlog.
     *
     * @param path the socket
     * @return the connected socket
     * @throws IOException if it cannot connect
     */
    public static RawSocket connect(Path path) throws IOException {
        return new RawSocket(Sockets.connect(UnixAddress.of(path), Duration.ofSeconds(10)));
    }

    /**
     * Waits for bytes. A descriptor always comes with the first byte of a chunk, the byte it was sent with.
     *
     * @return the bytes and descriptors, the caller's to close; null at the end of the stream
     * @throws IOException if the read fails, with ECONNRESET if the peer left without reading all that was sent to it
     */
    public @Nullable Chunk receive() throws IOException {
        return receive(Deadline.FOREVER);
    }

    /**
     * Waits for bytes, but not forever.
     *
     * @param timeout how long, 0 or more
     * @return as {@link #receive()}
     * @throws SocketTimeoutException if nothing comes in time
     * @throws IOException as {@link #receive()}
     */
    public @Nullable Chunk receive(Duration timeout) throws IOException {
        return receive(Deadline.in(timeout));
    }

    private @Nullable Chunk receive(long deadline) throws IOException {
        int number = descriptor.enter();
        try (Arena arena = Arena.ofConfined()) {
            Buffer in = new Buffer(Msghdr.forReceive(true, arena), arena.allocate(CAPACITY));
            int there = next == null ? awaitBytes(in, number, deadline) : 0;
            if (next != null) {
                Chunk chunk = next;
                next = null;
                return chunk;
            }
            if (there > 0)
                return in.header.descriptorCount() > 0 || in.header.controlTruncated()
                        ? upToDescriptor(in, number, there)
                        : take(in, number, there);
            if (!socket.isOpen())
                throw new AsynchronousCloseException();
            return null;
        } finally {
            descriptor.exit();
        }
    }

    /** How many bytes are there, up to the end of what was sent with the next descriptor; 0 at the end of the stream. May read one. */
    private int awaitBytes(Buffer in, int number, long deadline) throws IOException {
        for (boolean waited = false; next == null; waited = true) {
            int there = in.receive(number, CAPACITY, MSG_PEEK);
            if (there >= 0) {
                for (int i = 0; i < in.header.descriptorCount(); i++)
                    Fd.of(in.header.descriptor(i)).close();
                return there;
            }
            if (there != -EAGAIN)
                throw new ErrnoException("recvmsg", -there);
            if (waited)
                passOverUrgent(in, number);
            if (next == null && !descriptor.await(Readiness.READABLE, deadline))
                throw new SocketTimeoutException("nothing was received in time");
        }
        return 0;
    }

    /**
     * A byte sent with MSG_OOB is no part of the stream, but makes poll(2) return at once until a read that is no peek has passed over
     * it. That read may find a byte that has just come.
     */
    private void passOverUrgent(Buffer in, int number) throws IOException {
        int n = in.receive(number, 1, 0);
        if (n > 0)
            next = chunk(in, n);
        else if (n < 0 && n != -EAGAIN)
            throw new ErrnoException("recvmsg", -n);
    }

    /** Byte by byte: a peek of fewer bytes tells of descriptors behind them, too, and a read of more hides where they were. */
    private Chunk upToDescriptor(Buffer in, int number, int there) throws IOException {
        byte[] before = new byte[there];
        for (int count = 0; count < there; count++) {
            Chunk one = take(in, number, 1);
            if (one.descriptors().isEmpty() && !one.lost()) {
                before[count] = one.bytes()[0];
                continue;
            }
            Chunk chunk = count + 1 == there ? one : withRest(one, in, number, there - count - 1);
            if (count == 0)
                return chunk;
            next = chunk;
            return new Chunk(Arrays.copyOf(before, count), List.of(), false);
        }
        return new Chunk(before, List.of(), false);
    }

    private Chunk withRest(Chunk first, Buffer in, int number, int length) throws IOException {
        byte[] all = Arrays.copyOf(first.bytes(), 1 + length);
        System.arraycopy(take(in, number, length).bytes(), 0, all, 1, length);
        return new Chunk(all, first.descriptors(), first.lost());
    }

    private Chunk take(Buffer in, int number, int length) throws IOException {
        return chunk(in, ErrnoException.check("recvmsg", in.receive(number, length, 0)));
    }

    private static Chunk chunk(Buffer in, int n) {
        List<Fd> descriptors = new ArrayList<>();
        for (int i = 0; i < in.header.descriptorCount(); i++)
            descriptors.add(Fd.of(in.header.descriptor(i)));
        return new Chunk(in.bytes.asSlice(0, n).toArray(JAVA_BYTE), descriptors, in.header.controlTruncated());
    }

    /**
     * Sends bytes, all of them; waits for room.
     *
     * @param bytes what to send
     * @throws IOException if the write fails, with EPIPE if the peer reads no more
     */
    public void send(byte[] bytes) throws IOException {
        send(bytes, List.of());
    }

    /**
     * Sends bytes with descriptors at the first of them, in one sendmsg(2) if the socket has room for it. Waits as well while the kernel has
     * no memory, or too many descriptors of this user are on their way (ETOOMANYREFS).
     *
     * @param bytes what to send; 1 or more if there are descriptors
     * @param descriptors 253 at most; duplicated by the kernel, they stay the caller's
     * @throws IOException if the write fails, with EPIPE if the peer reads no more
     */
    public void send(byte[] bytes, List<Fd> descriptors) throws IOException {
        send(bytes, descriptors, () -> false);
    }

    /**
     * Sends bytes with descriptors likewise, by a caller that has others on their way to it.
     *
     * @param bytes as {@link #send(byte[], List)}
     * @param descriptors as {@link #send(byte[], List)}
     * @param fewer is called each time there are too many on their way, and takes some off it if it can
     * @throws IOException as {@link #send(byte[], List)}
     */
    public void send(byte[] bytes, List<Fd> descriptors, BooleanSupplier fewer) throws IOException {
        send(bytes, descriptors, Deadline.FOREVER, fewer);
    }

    /**
     * Sends bytes, but does not wait forever for room.
     *
     * @param bytes what to send
     * @param descriptors as {@link #send(byte[], List)}
     * @param timeout how long, 0 or more
     * @throws SocketTimeoutException if there is no room in time; a part may have been sent
     * @throws IOException as {@link #send(byte[], List)}
     */
    public void send(byte[] bytes, List<Fd> descriptors, Duration timeout) throws IOException {
        send(bytes, descriptors, Deadline.in(timeout), () -> false);
    }

    private void send(byte[] bytes, List<Fd> descriptors, long deadline, BooleanSupplier fewer) throws IOException {
        if (bytes.length == 0 && !descriptors.isEmpty())
            throw new IllegalArgumentException("a descriptor goes with a byte, and there is none");
        int[] passed = descriptors.stream().mapToInt(Fd::intValue).toArray();
        int number = descriptor.enter();
        try (Arena arena = Arena.ofConfined()) {
            Msghdr out = Msghdr.forSend(arena);
            MemorySegment sent = arena.allocate(Math.min(CAPACITY, bytes.length));
            for (int at = 0; at < bytes.length;) {
                int length = Math.min(CAPACITY, bytes.length - at);
                MemorySegment.copy(bytes, at, sent, JAVA_BYTE, 0, length);
                int n = out.send(number, sent.address(), length, passed, MSG_DONTWAIT);
                if (n > 0) {
                    at += n;
                    passed = new int[0];
                } else if (n != -EINTR && !Msghdr.maySucceedLater(n)) {
                    throw new ErrnoException("sendmsg", -n);
                } else if (n != -EINTR && !(n == -ETOOMANYREFS && fewer.getAsBoolean()) && !awaitRoom(n, deadline)) {
                    throw new SocketTimeoutException("no room for " + (bytes.length - at) + " of " + bytes.length
                            + " bytes in time: the peer does not read"
                            + (n == -EAGAIN ? "" : " (" + Errno.name(-n) + ")"));
                }
            }
        } finally {
            descriptor.exit();
        }
    }

    /** The kernel wakes a writer when there is room for bytes, and not when the descriptors on their way become fewer. */
    private boolean awaitRoom(int failed, long deadline) throws IOException {
        if (failed != -EAGAIN)
            LockSupport.parkNanos(Math.min(LONG_PAUSE_NANOS, Deadline.left(deadline)));
        return Deadline.left(deadline) > 0 && descriptor.await(Readiness.WRITABLE, deadline);
    }

    /**
     * Waits until the peer has read everything that was sent: then a new write is a new read for it. Where the system does not
     * tell (not Linux), lets it have five milliseconds.
     *
     * @param timeout how long at most
     * @return false if it has not read everything in time
     * @throws IOException if the socket is closed
     */
    public boolean awaitRead(Duration timeout) throws IOException {
        if (Os.current() != Os.LINUX) {
            LockSupport.parkNanos(Duration.ofMillis(5).toNanos());
            return true;
        }
        long deadline = Deadline.in(timeout);
        while (unreadMemory() > 0) {
            if (Deadline.left(deadline) < 0)
                return false;
            LockSupport.parkNanos(PAUSE_NANOS);
        }
        return true;
    }

    /** What the kernel keeps for bytes that were sent and not read; 0 when the peer is gone. */
    private int unreadMemory() throws IOException {
        int number = descriptor.enter();
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment values = arena.allocate(4 * MEMINFO_VALUES, 4);
            MemorySegment length = arena.allocateFrom(JAVA_INT, 4 * MEMINFO_VALUES);
            int result = Posix.getsockopt(number, Constants.SOL_SOCKET, SO_MEMINFO, values.address(), length.address());
            return result < 0 ? 0 : values.getAtIndex(JAVA_INT, MEMINFO_WMEM_ALLOC);
        } finally {
            descriptor.exit();
        }
    }

    /**
     * Ends the sending direction: the peer sees the end of the stream.
     *
     * @throws IOException if the socket is closed or no longer connected
     */
    public void shutdownOutput() throws IOException {
        Sockets.shutdownOutput(socket);
    }

    /** Ends the receiving direction: the peer cannot send any more (EPIPE). Without effect on a closed socket. */
    public void shutdownInput() {
        shutdown(Constants.SHUT_RD);
    }

    /** Ends both directions; the peer can still read bytes sent before. Without effect on a closed socket. */
    public void shutdown() {
        shutdown(Constants.SHUT_RDWR);
    }

    private void shutdown(int how) {
        try {
            Posix.shutdown(descriptor.enter(), how);
            descriptor.exit();
        } catch (ClosedChannelException _) {
            // both directions have ended
        }
    }

    /**
     * Whether the peer has closed its socket, and not only ended its sending direction.
     *
     * @return true if nothing that is sent can be read any more
     */
    public boolean peerIsGone() {
        try {
            boolean gone = Readiness.HUNG_UP.isNow(descriptor.enter());
            descriptor.exit();
            return gone;
        } catch (ClosedChannelException _) {
            return true;
        }
    }

    /**
     * Waits until the peer has closed its socket, and not only ended its sending direction.
     *
     * @param timeout how long at most
     * @return false if it has not in time
     * @throws IOException if this is closed
     */
    public boolean awaitPeerGone(Duration timeout) throws IOException {
        long deadline = Deadline.in(timeout);
        while (!peerIsGone())
            if (!descriptor.await(Readiness.HUNG_UP, deadline))
                return false;
        return true;
    }

    /**
     * Who is at the other end, as the kernel vouches for it.
     *
     * @return the peer's ids
     * @throws IOException if the socket is closed
     */
    public PeerCredentials peerCredentials() throws IOException {
        return Sockets.peerCredentials(socket);
    }

    /**
     * Gives the socket away; this one must not be used any more.
     *
     * @return the socket, the caller's
     */
    public Fd detach() {
        return socket.move();
    }

    /** Closes the socket; threads inside a call are let go. */
    @Override
    public void close() {
        socket.close();
        Chunk unread = next;
        if (unread != null)
            unread.close();
    }

    @Override
    public String toString() {
        return "raw socket on " + socket;
    }
}
