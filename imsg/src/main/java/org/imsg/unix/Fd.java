package org.imsg.unix;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.io.IOException;
import java.lang.System.Logger;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.ref.Cleaner;
import java.nio.channels.ClosedChannelException;
import java.nio.file.Path;
import org.imsg.sys.NativeString;
import org.imsg.sys.Constants;
import org.imsg.sys.Descriptors;
import org.imsg.sys.DescriptorCleaner;
import org.imsg.sys.OpenDescriptor;
import org.imsg.sys.Os;
import org.imsg.sys.Posix;
import org.imsg.sys.Readiness;
import org.jspecify.annotations.Nullable;

/**
 * An open descriptor and the duty to close it. One Fd owns a descriptor at a time: {@link #move()} hands it on, {@link #dup()}
 * makes a second one, {@link #release()} gives the bare number away. A descriptor that is neither closed nor handed on is closed some
 * time after its Fd has become unreachable, with a warning in the log; with the property {@code imsg.fd.trace} set to
 * {@code true} the warning says where it was opened.
 *
 * <p>Safe for use by several threads. A thread that is inside a call on the descriptor when another closes it keeps the number
 * from being used again until the call has returned. All descriptors made here are close-on-exec.
 */
public final class Fd implements AutoCloseable {
    private static final boolean TRACE = Boolean.getBoolean("imsg.fd.trace");

    static {
        OpenDescriptor.connect(fd -> ((Fd) fd).descriptor,
                (descriptor, number) -> new ErrnoException("wait", descriptor, number));
    }

    private final OpenDescriptor descriptor;
    private final Cleaner.Cleanable cleanable;

    private Fd(int number) {
        descriptor = new OpenDescriptor(number);
        cleanable = DescriptorCleaner.CLEANER.register(this, new Clean(descriptor,
                TRACE ? new Throwable("descriptor " + number + " was opened here") : null));
    }

    /**
     * Takes over a descriptor by its number, such as one inherited from the process that started this one.
     *
     * <p>The number must not have an owner already: a number that {@link #intValue()} or the {@code fd()} of a channel
     * returned stays theirs. A second owner closes it behind the first one's back, and the first then reads from, and closes,
     * the file that got the number next. For a second descriptor of the same open file use {@link #dup()}.
     *
     * @param number an open descriptor without an owner, 0 or more; not checked to be open
     * @return its owner
     * @throws IllegalArgumentException if the number is negative
     */
    public static Fd of(int number) {
        if (number < 0)
            throw new IllegalArgumentException("a descriptor is 0 or more, not " + number);
        return new Fd(number);
    }

    /**
     * Opens a file: open(2).
     *
     * @param path the file
     * @param how for what, and how
     * @return a descriptor of the caller's
     * @throws IOException if the file cannot be opened, an {@link ErrnoException}
     */
    public static Fd open(Path path, OpenFlag... how) throws IOException {
        return open(path, 0666, how);
    }

    /**
     * Opens a file, and says the mode it gets if it is created.
     *
     * @param path the file
     * @param mode permission bits, less those in the process's umask
     * @param how for what, and how
     * @return a descriptor of the caller's
     * @throws IOException if the file cannot be opened, an {@link ErrnoException}
     */
    public static Fd open(Path path, int mode, OpenFlag... how) throws IOException {
        int flags = Constants.O_CLOEXEC | OpenFlag.bits(how);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment name = NativeString.of(path, arena);
            int fd;
            do {
                fd = Posix.open(name.address(), flags, mode);
            } while (fd == -Constants.EINTR);
            if (fd < 0)
                throw new ErrnoException("open", path, -fd);
            return new Fd(fd);
        }
    }

    /**
     * Makes a pipe: pipe2(2).
     *
     * @return its two ends, the caller's
     * @throws IOException if there is no room in a descriptor table, an {@link ErrnoException}
     */
    public static Pair pipe() throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment pair = arena.allocate(8, 4);
            boolean pipe2 = Os.current() != Os.MACOS;
            ErrnoException.check("pipe",
                    pipe2 ? Posix.pipe2(pair.address(), Constants.O_CLOEXEC) : Posix.pipe(pair.address()));
            return pair(pair, pipe2);
        }
    }

    /**
     * Makes two connected Unix stream sockets: socketpair(2).
     *
     * @return the two ends, the caller's
     * @throws IOException if there is no room in a descriptor table, an {@link ErrnoException}
     */
    public static Pair socketpair() throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment pair = arena.allocate(8, 4);
            ErrnoException.check("socketpair", Posix.socketpair(Constants.AF_UNIX,
                    Constants.SOCK_STREAM | Constants.SOCK_CLOEXEC, 0, pair.address()));
            return pair(pair, Constants.SOCK_CLOEXEC != 0);
        }
    }

    private static Pair pair(MemorySegment pair, boolean closeOnExec) {
        int first = pair.get(JAVA_INT, 0);
        int second = pair.get(JAVA_INT, 4);
        if (!closeOnExec) {
            Posix.fcntl(first, Constants.F_SETFD, Constants.FD_CLOEXEC);
            Posix.fcntl(second, Constants.F_SETFD, Constants.FD_CLOEXEC);
        }
        return new Pair(new Fd(first), new Fd(second));
    }

    /**
     * Two descriptors that were made together.
     *
     * @param first of a pipe, the end to read from
     * @param second of a pipe, the end to write to
     */
    public record Pair(Fd first, Fd second) implements AutoCloseable {
        /** Closes both, as far as they were not closed or handed on. */
        @Override
        public void close() {
            first.close();
            second.close();
        }
    }

    /**
     * Returns the descriptor's number, to look at or to watch. It stays this Fd's to close: do not make another Fd of it, and
     * do not keep it for later, for it is another file's once this is closed. To give it away use {@link #release()}.
     *
     * @return 0 or more
     * @throws IllegalStateException if this is closed or was handed on
     */
    public int intValue() {
        if (!isOpen())
            throw new IllegalStateException(
                    "descriptor " + descriptor.number() + " is closed or was handed on already");
        return descriptor.number();
    }

    /**
     * Tells whether this still owns an open descriptor.
     *
     * @return false after {@link #close()}, {@link #move()} or {@link #release()}
     */
    public boolean isOpen() {
        return descriptor.isOpen();
    }

    /**
     * Hands the descriptor to a new owner. To close this one is then without effect.
     *
     * @return the new owner
     * @throws IllegalStateException if this is closed or was handed on already, or a thread is inside a call on it
     */
    public Fd move() {
        int number = release();
        return new Fd(number);
    }

    /**
     * Gives the number away, and with it the duty to close it: from now on no Fd closes it, unless {@link #of(int)} makes one.
     *
     * @return the descriptor's number
     * @throws IllegalStateException if this is closed or was handed on already, or a thread is inside a call on it
     */
    public int release() {
        descriptor.giveAway();
        // Runs the clean-up, which has nothing to close any more.
        cleanable.clean();
        return descriptor.number();
    }

    /**
     * Makes a second descriptor of the same open file: F_DUPFD_CLOEXEC.
     *
     * @return the second, the caller's
     * @throws IOException if this is closed, a {@link ClosedChannelException}, or there is no room in the descriptor
     *     table, an {@link ErrnoException}
     */
    public Fd dup() throws IOException {
        return dup(0);
    }

    /** A second descriptor with a number not under that. */
    Fd dup(int atLeast) throws IOException {
        int number = enter();
        try {
            int fd = ErrnoException.check("fcntl", "F_DUPFD_CLOEXEC " + number, Descriptors.duplicate(number, atLeast));
            return new Fd(fd);
        } finally {
            exit();
        }
    }

    /** As {@link OpenDescriptor#enter()}. */
    int enter() throws ClosedChannelException {
        return descriptor.enter();
    }

    /** As {@link OpenDescriptor#exit()}. */
    void exit() {
        descriptor.exit();
    }

    /** As {@code OpenDescriptor.await}. */
    boolean await(Readiness what, long deadline) throws IOException {
        return descriptor.await(what, deadline);
    }

    /**
     * Closes the descriptor. Threads that wait for it are woken, and the last thread inside a call on it closes the number.
     * Other descriptors of the same open file, here or in another process, go on as before. A second call has no effect, nor
     * has one after {@link #move()} or {@link #release()}.
     */
    @Override
    public void close() {
        descriptor.close();
        cleanable.clean();
    }

    @Override
    public String toString() {
        return descriptor.toString();
    }

    /** The cleaner's part: closes the descriptor of an Fd that was forgotten. */
    private record Clean(OpenDescriptor descriptor, @Nullable Throwable opened) implements Runnable {
        @Override
        public void run() {
            if (!descriptor.isOpen())
                return;
            descriptor.close();
            System.getLogger(Fd.class.getName()).log(Logger.Level.WARNING,
                    "descriptor " + descriptor.number() + " was forgotten and is closed now"
                            + (opened == null ? "; -Dimsg.fd.trace=true says where it was opened" : ""),
                    opened);
        }
    }
}
