package org.imsg.unix;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.concurrent.locks.LockSupport;
import org.imsg.sys.NativeString;
import org.imsg.sys.Constants;
import org.imsg.sys.Posix;

/** The lock of a socket's path, against others that start at the same moment: flock(2) on a file beside it. */
final class PathLock implements AutoCloseable {
    private static final byte[] SUFFIX = ".lock".getBytes(StandardCharsets.US_ASCII);
    private static final Duration PATIENCE = Duration.ofSeconds(10);
    private static final long PAUSE = Duration.ofMillis(1).toNanos();
    /** The mode by which a thread that made the file and could not wait leaves its removal to the one that has the lock. */
    private static final int ABANDONED = 0611;
    private static final int PERMISSIONS = 07777;

    private final Path path;
    private final Fd fd;
    private final boolean made;

    private PathLock(Path path, Fd fd, boolean made) {
        this.path = path;
        this.fd = fd;
        this.made = made;
    }

    /** Takes the lock; fails if it is not free within ten seconds. */
    static PathLock take(Path socket) throws IOException {
        byte[] name = NativeString.bytes(socket);
        byte[] lockName = Arrays.copyOf(name, name.length + SUFFIX.length);
        System.arraycopy(SUFFIX, 0, lockName, name.length, SUFFIX.length);
        Path path = NativeString.path(lockName);
        long deadline = System.nanoTime() + PATIENCE.toNanos();
        for (;;) {
            PathLock lock = open(path);
            if (lock.lock(deadline))
                return lock;
            lock.fd.close();
            if (System.nanoTime() - deadline > 0)
                throw new ErrnoException("flock", path, Constants.EAGAIN);
        }
    }

    /** Waits for the lock; false if the file is not in place any more. A failure abandons the lock. */
    boolean lock(long deadline) throws IOException {
        try {
            await(deadline);
            return made || isInPlace();
        } catch (IOException | RuntimeException | Error e) {
            abandon();
            throw e;
        }
    }

    /** Opens or makes the file, which is not locked yet. */
    static PathLock open(Path path) throws IOException {
        for (;;) {
            try {
                return new PathLock(path, Fd.open(path, 0600, OpenFlag.READ_WRITE, OpenFlag.CREATE_NEW), true);
            } catch (ErrnoException e) {
                if (e.number() != Constants.EEXIST)
                    throw e;
            }
            try {
                return new PathLock(path, Fd.open(path, OpenFlag.READ_WRITE, OpenFlag.NONBLOCK, OpenFlag.NOFOLLOW),
                        false);
            } catch (ErrnoException e) {
                if (e.number() != Constants.ENOENT)
                    throw e;
            }
        }
    }

    private void await(long deadline) throws IOException {
        for (;;) {
            int result = tryLock();
            if (result == 0)
                return;
            if (result != -Constants.EAGAIN && result != -Constants.EINTR)
                throw new ErrnoException("flock", path, -result);
            if (System.nanoTime() - deadline > 0)
                throw new ErrnoException("flock", path, -result);
            LockSupport.parkNanos(PAUSE);
            if (Thread.currentThread().isInterrupted())
                throw new InterruptedIOException("interrupted while waiting for the lock " + path);
        }
    }

    private int tryLock() {
        return Posix.flock(fd.intValue(), Constants.LOCK_EX | Constants.LOCK_NB);
    }

    /** Gives up without the lock. A file that was made here is removed now, or by the one that has the lock. */
    private void abandon() throws IOException {
        try (fd) {
            if (made) {
                Posix.fchmod(fd.intValue(), ABANDONED);
                removeAbandoned();
            }
        }
    }

    /** Removes a file whose maker has given up, unless it is locked: the holder comes here when it is done. */
    private void removeAbandoned() throws IOException {
        if ((DescriptorStatus.of(fd.intValue()).mode() & PERMISSIONS) == ABANDONED && tryLock() == 0 && isInPlace())
            Files.deleteIfExists(path);
    }

    /** Whether the file is still there: the thread or process that made it removes it when it is done. */
    private boolean isInPlace() throws IOException {
        DescriptorStatus mine = DescriptorStatus.of(fd.intValue());
        try {
            var there = Files.readAttributes(path, "unix:dev,ino", LinkOption.NOFOLLOW_LINKS);
            return mine.isFile((long) there.get("dev"), (long) there.get("ino"));
        } catch (NoSuchFileException _) {
            return false;
        }
    }

    /** Lets the next one in. A file that was there before stays, unless its maker has given up. */
    @Override
    public void close() throws IOException {
        try (fd) {
            if (made)
                Files.deleteIfExists(path);
            Posix.flock(fd.intValue(), Constants.LOCK_UN);
            if (!made)
                removeAbandoned();
        }
    }
}
