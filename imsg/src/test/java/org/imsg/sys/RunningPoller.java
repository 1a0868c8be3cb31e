package org.imsg.sys;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.reflect.Field;
import java.nio.file.Files;
import java.nio.file.Path;
import org.imsg.unix.Fd;

/** A poller of a test's own, with its thread, which can be ended: those of {@link Readiness} run as long as the process. */
final class RunningPoller implements AutoCloseable {
    final Poller poller;
    private final Thread thread;
    private final boolean write;
    private volatile boolean ended;

    RunningPoller(Poller poller, boolean write) {
        this.poller = poller;
        this.write = write;
        if (poller.open() < 0)
            throw new AssertionError("no descriptor for a poller");
        thread = Thread.ofPlatform().daemon().name("poller under test").start(() -> {
            while (!ended)
                poller.waitForEvents();
        });
    }

    @Override
    public void close() throws IOException {
        ended = true;
        // An end of a pipe that is ready at once, so that the thread comes back and sees that it is over.
        try (Fd.Pair pipe = Fd.pipe(); Arena arena = Arena.ofConfined()) {
            Posix.write(pipe.second().intValue(), arena.allocate(1).address(), 1);
            int fd = (write ? pipe.second() : pipe.first()).intValue();
            poller.arm(fd);
            thread.join();
            poller.disarm(fd);
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
        poller.close();
    }

    /** Whether an epoll poller's set has a descriptor of that number in it, armed or not; the kernel says. */
    static boolean watches(Poller poller, int fd) throws IOException {
        String set = Files.readString(Path.of("/proc/self/fdinfo/" + field(poller, "epoll")));
        return set.lines().anyMatch(line -> line.matches("tfd:\\s*" + fd + "\\s.*"));
    }

    private static int field(Poller poller, String name) {
        try {
            Field field = poller.getClass().getDeclaredField(name);
            field.setAccessible(true);
            return field.getInt(poller);
        } catch (NoSuchFieldException e) {
            return -1;
        } catch (IllegalAccessException e) {
            throw new AssertionError(e);
        }
    }

    /** Writes one byte. */
    static void put(Fd fd, int value) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment one = arena.allocate(1);
            one.set(JAVA_BYTE, 0, (byte) value);
            if (Posix.write(fd.intValue(), one.address(), 1) != 1)
                throw new AssertionError("write to " + fd);
        }
    }

    /** Reads one byte that is there. */
    static int take(Fd fd) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment one = arena.allocate(1);
            if (Posix.read(fd.intValue(), one.address(), 1) != 1)
                throw new AssertionError("read from " + fd);
            return one.get(JAVA_BYTE, 0) & 0xFF;
        }
    }

    /** Writes until nothing more fits. */
    static void fill(Fd fd) {
        nonBlocking(fd);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment page = arena.allocate(4096);
            while (Posix.write(fd.intValue(), page.address(), 4096) > 0) {
                // until it is full
            }
        }
    }

    /** Reads until nothing is left. */
    static void drain(Fd fd) {
        nonBlocking(fd);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment page = arena.allocate(4096);
            while (Posix.read(fd.intValue(), page.address(), 4096) > 0) {
                // until it is empty
            }
        }
    }

    private static void nonBlocking(Fd fd) {
        Posix.fcntl(fd.intValue(), Constants.F_SETFL, Constants.O_NONBLOCK);
    }
}
