package org.imsg.unix;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.io.IOException;
import java.lang.System.Logger;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.ref.Cleaner;
import java.nio.channels.ClosedChannelException;
import java.nio.file.Path;
import java.util.function.LongToIntFunction;
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

    private Fd(OpenDescriptor descriptor) {
        this.descriptor = descriptor;
        cleanable = DescriptorCleaner.CLEANER.register(this, new Clean(descriptor,
                TRACE ? new Throwable("the descriptor was opened here") : null));
    }

    /** Opens a descriptor and hands it to its owner. */
    @FunctionalInterface
    interface Opening {
        void open(Fd owner) throws IOException;
    }

    /**
     * Makes the owner of a descriptor and then the descriptor, so that no shortage of memory comes between the two. A failure
     * leaves no descriptor open.
     */
    static Fd opening(Opening opening) throws IOException {
        Fd owner = new Fd(new OpenDescriptor());
        try {
            opening.open(owner);
            return owner;
        } catch (IOException | RuntimeException | Error e) {
            owner.close();
            throw e;
        }
    }

    /** Takes over what a system call returned: a descriptor, or the negative errno, which is thrown. */
    void open(String call, @Nullable Object on, int result) throws ErrnoException {
        if (result < 0)
            throw new ErrnoException(call, on, -result);
        descriptor.open(result);
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
        return new Fd(new OpenDescriptor(number));
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
        return opening(owner -> {
            try (Arena arena = Arena.ofConfined()) {
                MemorySegment name = NativeString.of(path, arena);
                int fd;
                do {
                    fd = Posix.open(name.address(), flags, mode);
                } while (fd == -Constants.EINTR);
                owner.open("open", path, fd);
            }
        });
    }

    /**
     * Makes a pipe: pipe2(2).
     *
     * @return its two ends, the caller's
     * @throws IOException if there is no room in a descriptor table, an {@link ErrnoException}
     */
    public static Pair pipe() throws IOException {
        boolean pipe2 = Os.current() != Os.MACOS;
        return pair("pipe", pipe2,
                pair -> pipe2 ? Posix.pipe2(pair, Constants.O_CLOEXEC) : Posix.pipe(pair));
    }

    /**
     * Makes two connected Unix stream sockets: socketpair(2).
     *
     * @return the two ends, the caller's
     * @throws IOException if there is no room in a descriptor table, an {@link ErrnoException}
     */
    public static Pair socketpair() throws IOException {
        return pair("socketpair", Constants.SOCK_CLOEXEC != 0, pair -> Posix.socketpair(Constants.AF_UNIX,
                Constants.SOCK_STREAM | Constants.SOCK_CLOEXEC, 0, pair));
    }

    private static Pair pair(String call, boolean closeOnExec, LongToIntFunction make) throws IOException {
        Pair pair = new Pair(new Fd(new OpenDescriptor()), new Fd(new OpenDescriptor()));
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment numbers = arena.allocate(8, 4);
            ErrnoException.check(call, make.applyAsInt(numbers.address()));
            pair.first.descriptor.open(numbers.get(JAVA_INT, 0));
            pair.second.descriptor.open(numbers.get(JAVA_INT, 4));
            if (!closeOnExec) {
                closeOnExec(pair.first.intValue());
                closeOnExec(pair.second.intValue());
            }
            return pair;
        } catch (IOException | RuntimeException | Error e) {
            pair.close();
            throw e;
        }
    }

    /** For systems that cannot do so as they open one. */
    static void closeOnExec(int number) throws ErrnoException {
        ErrnoException.check("fcntl", "F_SETFD " + number,
                Posix.fcntl(number, Constants.F_SETFD, Constants.FD_CLOEXEC));
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
            // Not as resources: an OutOfMemoryError may be the very one that is on its way already.
            try {
                first.close();
            } finally {
                second.close();
            }
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
        Fd owner = new Fd(new OpenDescriptor());
        try {
            owner.descriptor.open(release(), descriptor);
            return owner;
        } catch (RuntimeException | Error e) {
            owner.close();
            throw e;
        }
    }

    /**
     * Gives the number away, and with it the duty to close it: from now on no Fd closes it, unless {@link #of(int)} makes one.
     *
     * @return the descriptor's number
     * @throws IllegalStateException if this is closed or was handed on already, or a thread is inside a call on it
     */
    public int release() {
        descriptor.giveAway();
        try {
            // Runs the clean-up, which has nothing to close any more.
            cleanable.clean();
        } catch (StackOverflowError _) {
            // Then the cleaner runs it some time. The number must not be lost.
        }
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
            return opening(owner -> owner.descriptor.open(ErrnoException.check("fcntl", "F_DUPFD_CLOEXEC " + number,
                    Descriptors.duplicate(number, atLeast)), descriptor));
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
        // Otherwise the thread inside closes, and the cleaner stands by in case that one has no stack left to do so.
        if (!descriptor.isInUse())
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
            if (!descriptor.isOpen()) {
                descriptor.closeNumber();
                return;
            }
            descriptor.close();
            System.getLogger(Fd.class.getName()).log(Logger.Level.WARNING,
                    "descriptor " + descriptor.number() + " was forgotten and is closed now"
                            + (opened == null ? "; -Dimsg.fd.trace=true says where it was opened" : ""),
                    opened);
        }
    }
}
