package org.imsg.unix;

import static org.imsg.sys.Constants.EAGAIN;
import static org.imsg.sys.Constants.EBADF;
import static org.imsg.sys.Constants.ECONNRESET;
import static org.imsg.sys.Constants.EINTR;
import static org.imsg.sys.Readiness.FOREVER;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.net.SocketTimeoutException;
import java.nio.ByteBuffer;
import java.nio.channels.ByteChannel;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.spi.AbstractInterruptibleChannel;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.locks.ReentrantLock;
import org.imsg.sys.Constants;
import org.imsg.sys.Deadline;
import org.imsg.sys.Posix;
import org.imsg.sys.Readiness;
import org.jspecify.annotations.Nullable;

/**
 * Reads and writes through any descriptor: a file, a pipe, a terminal, a stream socket. The way to use a received descriptor
 * when nothing more particular is needed.
 *
 * <p>Reading waits until there is something, writing until all is written. {@link #close()} from another thread ends a wait
 * with an AsynchronousCloseException and leaves the open file to its other holders. An interrupt is noticed only where a call would
 * wait, and closes the channel, too. A reset of the connection is told by every read behind it, as ECONNRESET. The
 * descriptor's own O_NONBLOCK is left as it is, for every holder of the open file shares it: where it is not set and another
 * process reads what poll(2) promised to this one, the call waits in the kernel.
 *
 * <p>Safe for one reading and one writing thread at once; more take turns.
 */
public final class FdChannel extends AbstractInterruptibleChannel implements ByteChannel {
    private static final int CHUNK = 65536;
    /** What a pipe that is ready for writing takes for certain: PIPE_BUF of Linux. */
    private static final int CERTAIN = 4096;

    private final Fd fd;
    /** Regular files are always ready, and cannot be watched. */
    private final boolean file;
    /** Whether the peer has reset the connection: the kernel tells it once, and then a clean end. */
    private volatile boolean reset;
    private volatile @Nullable Duration timeout;
    private final ReentrantLock reading = new ReentrantLock();
    private final ReentrantLock writing = new ReentrantLock();

    /**
     * Makes a channel over a descriptor.
     *
     * @param fd the descriptor, the channel's then
     * @throws IllegalStateException if it is closed or was handed on
     */
    public FdChannel(Fd fd) {
        this.file = DescriptorStatus.of(fd.intValue()).isRegular();
        this.fd = fd.move();
    }

    /** A call on the descriptor with memory the kernel can reach; returns its result or the negative errno. */
    @FunctionalInterface
    private interface SystemCall {
        int apply(int number, long address, int length);
    }

    /** A call, its name, what to wait for before it, which is null for a place in a file, and the access that does not allow it. */
    private record Transfer(String name, @Nullable Readiness event, int otherAccess, SystemCall make) {
        static final Transfer READ = new Transfer("read", Readiness.READABLE, Constants.O_WRONLY, Posix::read);
        static final Transfer WRITE = new Transfer("write", Readiness.WRITABLE, Constants.O_RDONLY, Posix::write);

        static Transfer at(String name, SystemCall make) {
            return new Transfer(name, null, -1, make);
        }
    }

    /**
     * Sets how long a read may wait for the first byte, and a write each time there is no room. Past that it throws a
     * {@link SocketTimeoutException}, and the channel goes on as it was. Files never wait.
     *
     * @param longest the time, 0 or more; there is no limit before this call
     * @return this
     */
    public FdChannel timeout(Duration longest) {
        timeout = Objects.requireNonNull(longest);
        return this;
    }

    /**
     * Reads what there is: read(2).
     *
     * @param target where it goes
     * @return how many bytes, 0 only if there was no room for one; or -1 at the end
     * @throws IllegalArgumentException if the buffer is read-only
     * @throws IOException if the read fails, an {@link ErrnoException}, or the channel is closed
     */
    @Override
    public int read(ByteBuffer target) throws IOException {
        return readWith(target, Transfer.READ);
    }

    /**
     * Reads from a place in a file: pread(2).
     *
     * @param target where it goes
     * @param position the place in bytes, 0 or more
     * @return as {@link #read(ByteBuffer)}
     * @throws IOException as {@link #read(ByteBuffer)}; with ESPIPE if the descriptor has no places
     */
    public int read(ByteBuffer target, long position) throws IOException {
        return readWith(target, Transfer.at("pread",
                (number, address, length) -> Posix.pread(number, address, length, position)));
    }

    /**
     * Writes everything: write(2).
     *
     * @param source what to write; where it fails, the position tells how much was written
     * @return how many bytes, all that remained
     * @throws IOException if the write fails, an {@link ErrnoException}, or the channel is closed
     */
    @Override
    public int write(ByteBuffer source) throws IOException {
        return writeWith(source, Transfer.WRITE);
    }

    /**
     * Writes everything to a place in a file: pwrite(2).
     *
     * @param source what to write
     * @param position the place in bytes, 0 or more
     * @return how many bytes, all that remained
     * @throws IOException as {@link #write(ByteBuffer)}; with ESPIPE if the descriptor has no places
     */
    public int write(ByteBuffer source, long position) throws IOException {
        int first = source.position();
        return writeWith(source, Transfer.at("pwrite", (number, address, length) -> Posix.pwrite(number, address,
                length, position + source.position() - first)));
    }

    private int readWith(ByteBuffer target, Transfer call) throws IOException {
        if (target.isReadOnly())
            throw new IllegalArgumentException("a read-only buffer cannot be read into");
        if (!isOpen())
            throw new ClosedChannelException();
        if (!target.hasRemaining())
            return 0;
        reading.lock();
        // Never the caller's memory: another thread may free that during the call.
        try (Arena arena = Arena.ofConfined()) {
            // Memory that was freed, or is another thread's, is refused before anything is lost.
            target.get(target.position());
            MemorySegment chunk = arena.allocate(Math.min(target.remaining(), CHUNK));
            int n = transfer(call, chunk, chunk.byteSize());
            if (n == 0)
                return -1;
            target.put(chunk.asSlice(0, n).asByteBuffer());
            return n;
        } finally {
            reading.unlock();
        }
    }

    private int writeWith(ByteBuffer source, Transfer call) throws IOException {
        if (!isOpen())
            throw new ClosedChannelException();
        writing.lock();
        try (Arena arena = Arena.ofConfined()) {
            int total = source.remaining();
            MemorySegment chunk = arena.allocate(Math.max(1, Math.min(total, file ? CHUNK : CERTAIN)));
            while (source.hasRemaining()) {
                long length = Math.min(source.remaining(), chunk.byteSize());
                MemorySegment.copy(MemorySegment.ofBuffer(source), 0, chunk, 0, length);
                source.position(source.position() + transfer(call, chunk, length));
            }
            return total;
        } finally {
            writing.unlock();
        }
    }

    private int transfer(Transfer call, MemorySegment chunk, long length) throws IOException {
        int number = fd.enter();
        try {
            int n = transferNow(call, number, chunk, length);
            if (n == -EAGAIN && call.event() != null)
                n = transferWaiting(call, number, chunk, length);
            if (n == -ECONNRESET)
                reset = true;
            return ErrnoException.check(call.name(), number, n == 0 && reset ? -ECONNRESET : n);
        } finally {
            fd.exit();
        }
    }

    /** -EAGAIN where the call would wait. Only poll(2) knows: a thread is also woken because the channel is being closed. */
    private int transferNow(Transfer call, int number, MemorySegment chunk, long length) {
        int n;
        do {
            n = call.event() == null || file || call.event().isNow(number)
                    ? call.make().apply(number, chunk.address(), (int) length)
                    : -EAGAIN;
        } while (n == -EINTR);
        return n;
    }

    private int transferWaiting(Transfer call, int number, MemorySegment chunk, long length) throws IOException {
        // A descriptor that is not open for the call never becomes ready.
        if ((Sockets.statusFlags(number) & Constants.O_ACCMODE) == call.otherAccess())
            return -EBADF;
        int n = -EAGAIN;
        Duration longest = timeout;
        long deadline = longest == null ? FOREVER : Deadline.in(longest);
        begin();
        try {
            while (n == -EAGAIN && isOpen()) {
                if (!fd.await(call.event(), deadline))
                    throw new SocketTimeoutException(
                            call.name() + "(" + number + ") waited for " + longest.toMillis() + " ms");
                if (isOpen())
                    n = transferNow(call, number, chunk, length);
            }
        } finally {
            end(n > 0);
        }
        return n;
    }

    /**
     * Makes a second descriptor of the same open file.
     *
     * @return a duplicate, the caller's
     * @throws IOException if the channel is closed, or there is no room in the descriptor table, an {@link
     *     ErrnoException}
     */
    public Fd dup() throws IOException {
        return fd.dup();
    }

    /** Closes the descriptor; a thread that waits in a call is let go. */
    @Override
    protected void implCloseChannel() {
        fd.close();
    }

    @Override
    public String toString() {
        return "channel on " + fd;
    }
}
