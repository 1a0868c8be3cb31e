package org.imsg.privsep.rights;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.imsg.sys.OpenDescriptor;
import org.imsg.sys.Abi;
import org.imsg.sys.Constants;
import org.imsg.sys.Posix;
import org.imsg.unix.ErrnoException;
import org.imsg.unix.Fd;
import org.imsg.unix.UnixAddress;

/**
 * The things that systemd, or a program that follows its protocol, gave this process: descriptors it opened for it, as sd_listen_fds(3)
 * tells them, and a socket to report on, as sd_notify(3) does. The descriptors are taken over, close-on-exec; the socket is
 * connected at once, so that {@link #ready()} works after a chroot and under any promise.
 *
 * <p>A JVM cannot take variables out of its own environment. Children that inherit LISTEN_PID see that it is not theirs; give
 * them an environment without NOTIFY_SOCKET if they must not report.
 *
 * <p>A service that systemd starts as an ordinary user (User=, AmbientCapabilities=, NoNewPrivileges=, SystemCallFilter=) can use
 * {@link PrivilegeDrop} and {@link Confinement#enter()} all the same: rights given up already are proved, not given up again.
 * Thread-safe.
 */
public final class SystemdStart implements AutoCloseable {
    private static final int FIRST = 3;

    private final List<Passed> descriptors;
    private final Fd notify;

    private SystemdStart(List<Passed> descriptors, Fd notify) {
        this.descriptors = List.copyOf(descriptors);
        this.notify = notify;
    }

    /**
     * A descriptor that was passed.
     *
     * @param name what FileDescriptorName= calls it; {@code unknown} if nothing does
     * @param fd it; closed with the {@link SystemdStart}, unless it was {@linkplain Fd#move() moved} on
     */
    public record Passed(String name, Fd fd) {}

    /**
     * Takes over what is there; to be called once, early in main.
     *
     * @return what was given; empty of everything if this process was started in another way
     * @throws IOException if a variable makes no sense, a descriptor it tells of is not open, or the socket cannot be
     *     connected
     */
    public static SystemdStart take() throws IOException {
        return take(System.getenv(), ProcessHandle.current().pid());
    }

    /**
     * As {@link #take()}, with the variables of another environment.
     *
     * @param environment the variables
     * @param pid the process id that LISTEN_PID must name
     * @return what they name
     * @throws IOException as there
     */
    public static SystemdStart take(Map<String, String> environment, long pid) throws IOException {
        List<Passed> passed = new ArrayList<>();
        try {
            if (environment.getOrDefault("LISTEN_PID", "").equals(Long.toString(pid)))
                takeDescriptors(environment, passed);
            String socket = environment.getOrDefault("NOTIFY_SOCKET", "");
            return new SystemdStart(passed, socket.isEmpty() ? null : connect(socket));
        } catch (IOException | RuntimeException | Error e) {
            passed.forEach(one -> one.fd().close());
            throw e;
        }
    }

    private static void takeDescriptors(Map<String, String> environment, List<Passed> passed) throws IOException {
        String count = environment.getOrDefault("LISTEN_FDS", "");
        if (!count.matches("[0-9]{1,6}"))
            throw new IOException("LISTEN_FDS is \"" + count + "\" and not a number of descriptors");
        String[] names = environment.getOrDefault("LISTEN_FDNAMES", "").split(":", -1);
        int end = FIRST + Integer.parseInt(count);
        // All of them, before any is taken: a wrong count must not have us close what is the JVM's.
        for (int number = FIRST; number < end; number++) {
            ErrnoException.check("fcntl", "descriptor " + number + " of LISTEN_FDS=" + count,
                    Posix.fcntl(number, Constants.F_GETFD, 0));
        }
        for (int number = FIRST; number < end; number++) {
            Posix.fcntl(number, Constants.F_SETFD, Constants.FD_CLOEXEC);
            int i = number - FIRST;
            boolean named = i < names.length && !names[i].isEmpty();
            passed.add(new Passed(named ? names[i] : "unknown", Fd.of(number)));
        }
    }

    /** A leading @ stands for the NUL that makes a name abstract. */
    private static Fd connect(String socket) throws IOException {
        if (!socket.startsWith("/") && !socket.startsWith("@"))
            throw new IOException("NOTIFY_SOCKET is \"" + socket + "\" and neither a path nor an abstract name");
        UnixAddress address = socket.startsWith("@")
                ? UnixAddress.ofAbstract(socket.substring(1))
                : UnixAddress.of(Path.of(socket));
        try (Arena arena = Arena.ofConfined()) {
            int result = ErrnoException.check("socket", Posix.socket(Constants.AF_UNIX,
                    Abi.host().value("SOCK_DGRAM") | Constants.SOCK_CLOEXEC, 0));
            Fd fd = Fd.of(result);
            MemorySegment name = address.toNative(arena);
            result = Posix.connect(fd.intValue(), name.address(), (int) name.byteSize());
            if (result < 0) {
                fd.close();
                throw new ErrnoException("connect", "NOTIFY_SOCKET=" + socket, -result);
            }
            return fd;
        }
    }

    /**
     * All descriptors, in the order of their numbers, which begin at 3.
     *
     * @return an immutable list
     */
    public List<Passed> descriptors() {
        return descriptors;
    }

    /**
     * The first descriptor of a name.
     *
     * @param name what FileDescriptorName= calls it
     * @return it, or empty
     */
    public Optional<Fd> descriptor(String name) {
        return descriptors.stream().filter(one -> one.name().equals(name)).map(Passed::fd).findFirst();
    }

    /**
     * Whether there is a socket to report on.
     *
     * @return true if there was a NOTIFY_SOCKET
     */
    public boolean isNotified() {
        return notify != null;
    }

    /**
     * Reports that the service is up: {@code READY=1}. Does nothing if there is no socket to report on.
     *
     * @throws IOException if it cannot be sent, an {@link ErrnoException}
     */
    public void ready() throws IOException {
        report("READY=1");
    }

    /**
     * Reports anything else of sd_notify(3). Does nothing if there is no socket to report on. Never waits.
     *
     * @param state such as {@code STOPPING=1}, or {@code STATUS=} and a text; several are separated by newlines
     * @throws IOException if it cannot be sent, an {@link ErrnoException}: EAGAIN if systemd does not read
     */
    public void report(String state) throws IOException {
        if (notify == null)
            return;
        byte[] bytes = state.getBytes(StandardCharsets.UTF_8);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment datagram = arena.allocate(Math.max(1, bytes.length));
            MemorySegment.copy(bytes, 0, datagram, JAVA_BYTE, 0, bytes.length);
            MemorySegment errno = Posix.errnoSegment(arena);
            int fd = OpenDescriptor.of(notify).enter();
            try {
                int result;
                do {
                    result = Posix.send(errno, fd, datagram.address(), bytes.length,
                            Constants.MSG_DONTWAIT | Constants.MSG_NOSIGNAL);
                } while (result == -Constants.EINTR);
                if (result < 0)
                    throw new ErrnoException("send", "NOTIFY_SOCKET", -result);
            } finally {
                OpenDescriptor.of(notify).exit();
            }
        }
    }

    /** Closes the socket and every descriptor that was not moved on. */
    @Override
    public void close() {
        descriptors.forEach(one -> one.fd().close());
        if (notify != null)
            notify.close();
    }
}
