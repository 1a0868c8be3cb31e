package org.imsg.privsep.ops;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import org.imsg.Imsg;
import org.imsg.ImsgChannel;
import org.imsg.WireFormat;
import org.imsg.privsep.ops.Operation.Request;
import org.imsg.unix.ErrnoException;
import org.imsg.unix.Fd;
import org.imsg.unix.OpenFlag;

/**
 * The half of a program that has no rights asks the {@link Monitor} for what needs some. Each method sends one request and waits
 * for its answer; for any number of threads, whose requests are outstanding side by side.
 *
 * {@snippet file = "org/imsg/privsep/ops/OperationsSnippets.java" region = "privileged"}
 *
 * <p>Every method throws {@link RefusedException} if the policy does not allow it, {@link RequestExpiredException} if there is no
 * answer by the deadline, {@link ErrnoException} if the system does not allow it to the parent, and {@link java.io.EOFException}
 * when the parent is gone. An interrupt while waiting is an {@link java.io.InterruptedIOException}; the request goes on then, and
 * what comes of it is closed.
 */
public final class Privileged implements AutoCloseable {
    private static final Duration USUAL_DEADLINE = Duration.ofSeconds(30);
    private static final int DEFAULT_MODE = 0666;

    private final Conversations conversations;
    private final Duration deadline;

    private Privileged(Conversations conversations, Duration deadline) {
        this.conversations = conversations;
        this.deadline = deadline;
    }

    /**
     * Over a channel to the monitor.
     *
     * @param channel the child's end, such as descriptor 3; this one's then, and nobody else may receive from it.
     *     Descriptors are allowed on it here
     * @return what to ask, with a deadline of 30 seconds
     */
    public static Privileged over(ImsgChannel channel) {
        return new Privileged(new Conversations(channel.format(WireFormat.MODERN).allowFdPassing()), USUAL_DEADLINE);
    }

    /**
     * The same with another deadline for each request.
     *
     * @param limit how long to wait for an answer, 1 millisecond or more
     * @return a view, which needs no closing
     * @throws IllegalArgumentException if it is less than a millisecond
     */
    public Privileged within(Duration limit) {
        if (limit.toMillis() < 1)
            throw new IllegalArgumentException("a deadline is 1 ms or more, not " + limit);
        return new Privileged(conversations, limit);
    }

    /**
     * Opens a file.
     *
     * @param file its absolute path, without . and .. in it
     * @param how for what, and how; NOFOLLOW is implied. A file that is made has mode 0666 less the parent's umask
     * @return the descriptor, the caller's
     * @throws IOException as said above
     */
    public Fd open(Path file, OpenFlag... how) throws IOException {
        return open(file, DEFAULT_MODE, how);
    }

    /**
     * Opens a file, and says the mode it gets if it is created.
     *
     * @param file its absolute path, without . and .. in it
     * @param mode permission bits, 0 to 0777, less the parent's umask
     * @param how for what, and how
     * @return the descriptor, the caller's
     * @throws IOException as said above
     */
    public Fd open(Path file, int mode, OpenFlag... how) throws IOException {
        Set<OpenFlag> flags = EnumSet.noneOf(OpenFlag.class);
        flags.addAll(List.of(how));
        return descriptor(new OpenFile(file.toString(), flags, mode));
    }

    /**
     * Makes a listening TCP socket.
     *
     * @param address where; resolved, port 0 for any free one
     * @param backlog how many connections may wait
     * @param reuse whether SO_REUSEADDR is set
     * @return the socket, the caller's
     * @throws IOException as said above
     */
    public Fd listen(InetSocketAddress address, int backlog, boolean reuse) throws IOException {
        return descriptor(new BindSocket(SocketKind.TCP, literal(address), address.getPort(), reuse, backlog, 0));
    }

    /**
     * Makes a bound UDP socket.
     *
     * @param address where; resolved, port 0 for any free one
     * @param reuse whether SO_REUSEADDR is set
     * @return the socket, the caller's
     * @throws IOException as said above
     */
    public Fd bind(InetSocketAddress address, boolean reuse) throws IOException {
        return descriptor(new BindSocket(SocketKind.UDP, literal(address), address.getPort(), reuse, 0, 0));
    }

    /**
     * Makes a listening Unix stream socket.
     *
     * @param socket where
     * @param mode its permission bits, all of them: the umask does not count
     * @param backlog how many connections may wait
     * @param replace whether a socket that is there is removed first
     * @return the socket, the caller's
     * @throws IOException as said above
     */
    public Fd listen(Path socket, int mode, int backlog, boolean replace) throws IOException {
        return descriptor(new BindSocket(SocketKind.UNIX, socket.toString(), 0, replace, backlog, mode));
    }

    /**
     * Makes a bound Unix datagram socket.
     *
     * @param socket where
     * @param mode its permission bits, all of them: the umask does not count
     * @param replace whether a socket that is there is removed first
     * @return the socket, the caller's
     * @throws IOException as said above
     */
    public Fd bind(Path socket, int mode, boolean replace) throws IOException {
        return descriptor(new BindSocket(SocketKind.UNIX_DATAGRAM, socket.toString(), 0, replace, 0, mode));
    }

    /**
     * Makes a connected TCP or UDP socket.
     *
     * @param kind TCP or UDP
     * @param address where to; resolved
     * @return the socket, the caller's
     * @throws IOException as said above
     */
    public Fd connect(SocketKind kind, InetSocketAddress address) throws IOException {
        return descriptor(new ConnectSocket(kind, literal(address), address.getPort()));
    }

    /**
     * Makes a connected Unix socket.
     *
     * @param kind UNIX or UNIX_DATAGRAM
     * @param socket where to
     * @return the socket, the caller's
     * @throws IOException as said above
     */
    public Fd connect(SocketKind kind, Path socket) throws IOException {
        return descriptor(new ConnectSocket(kind, socket.toString(), 0));
    }

    /**
     * Runs a program under another user, until it ends or is killed: the deadline is for its start, a time for all of it is the
     * policy's or {@link Program#time}.
     *
     * @param program the program
     * @return the running program, the caller's to close
     * @throws IOException as said above; EAGAIN if every uid is taken, or as many programs run as may
     */
    public RunningProgram run(Program program) throws IOException {
        RunningProgram running = new RunningProgram(conversations);
        int peerid = conversations.start(program.time(), program.request(), running.replies());
        return running.awaitStarted(peerid, program, deadline);
    }

    /**
     * Changes the owner of a file, or of a directory and everything beneath it; of links themselves.
     *
     * @param tree the file or directory
     * @param uid the new owner, 0 to 4294967294
     * @param gid the new group, in the same range
     * @throws IOException as said above; a part may be done then
     */
    public void chown(Path tree, long uid, long gid) throws IOException {
        answer(new ChownTree(tree.toString(), id(uid), id(gid))).close();
    }

    /**
     * Removes a file, or a directory and everything beneath it.
     *
     * @param tree the file or directory
     * @throws IOException as said above; a part may be gone then
     */
    public void remove(Path tree) throws IOException {
        answer(new RemoveTree(tree.toString())).close();
    }

    /**
     * Names and numbers, which a chroot hides.
     *
     * @return what to look them up with, with this one's deadline
     */
    public PrivilegedLookups lookups() {
        return new PrivilegedLookups(this::answer);
    }

    /**
     * Sets the clock.
     *
     * @param time what it shall show
     * @throws IOException as said above
     */
    public void setClock(Instant time) throws IOException {
        answer(new SetClock(false, time.getEpochSecond(), time.getNano())).close();
    }

    /**
     * Sets the clock forward or back from what it shows: how long the request is on its way does not matter.
     *
     * @param change by how much; negative for back
     * @throws IOException as said above
     */
    public void adjustClock(Duration change) throws IOException {
        answer(new SetClock(true, change.getSeconds(), change.getNano())).close();
    }

    private Fd descriptor(Request request) throws IOException {
        try (Imsg answer = answer(request)) {
            Fd fd = answer.takeFd();
            if (fd == null)
                throw new IOException("the descriptor of " + request + " did not arrive: " + answer.descriptor());
            return fd;
        }
    }

    private Imsg answer(Request request) throws IOException {
        return conversations.ask(deadline, request);
    }

    private static String literal(InetSocketAddress address) {
        if (address.isUnresolved())
            throw new IllegalArgumentException("the address is not resolved: " + address);
        return address.getAddress().getHostAddress();
    }

    private static int id(long id) {
        if (id < 0 || id > 0xFFFF_FFFEL)
            throw new IllegalArgumentException("an id is 0 to 4294967294, not " + id);
        return (int) id;
    }

    /**
     * Waits until the monitor is gone, or this was closed: a child that has lost its parent should end.
     *
     * @throws InterruptedException if the thread is interrupted
     */
    public void awaitEnd() throws InterruptedException {
        conversations.awaitEnd();
    }

    /** Closes the channel: the monitor kills the programs that run. What waits here fails. */
    @Override
    public void close() {
        conversations.close();
    }

    @Override
    public String toString() {
        return "privileged operations over " + conversations;
    }
}
