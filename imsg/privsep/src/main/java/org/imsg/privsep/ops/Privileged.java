package org.imsg.privsep.ops;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.imsg.Imsg;
import org.imsg.ImsgChannel;
import org.imsg.WireFormat;
import org.imsg.privsep.ops.Operation.Request;
import org.imsg.sys.NativeString;
import org.imsg.unix.ErrnoException;
import org.imsg.unix.Fd;
import org.imsg.unix.OpenFlag;

/**
 * Asks the {@link Monitor} for operations that this process has no right to. Each method sends one request and waits for its
 * answer. For any number of threads, whose requests are outstanding side by side. Each method says which line of a {@link Policy}
 * allows it, and what its request is in the {@link OperationProtocol}.
 *
 * {@snippet file = "org/imsg/privsep/ops/OperationsSnippets.java" region = "privileged"}
 *
 * <p>Every method throws {@link RefusedException} if the policy does not allow it, {@link RequestExpiredException} if there is no
 * answer by the deadline, {@link ErrnoException} if the system does not allow it to the parent, and {@link java.io.EOFException}
 * when the parent is gone. An interrupt while waiting is an {@link java.io.InterruptedIOException}; the request goes on then, and
 * its descriptor is closed when it arrives. The bytes of a path are the same here and at the parent, whatever the locales; a path
 * whose bytes are not UTF-8 is an IllegalArgumentException, since no policy can name it.
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
     * Asks over a channel to the monitor.
     *
     * @param channel the child's end, such as descriptor 3; this object's from now on, and no other code may receive from it.
     *     Descriptors are allowed on it here
     * @return the way to ask, with a deadline of 30 seconds
     */
    public static Privileged over(ImsgChannel channel) {
        return new Privileged(new Conversations(channel.format(WireFormat.MODERN).allowFdPassing()), USUAL_DEADLINE);
    }

    /**
     * Asks with another deadline for each request.
     *
     * @param limit the longest wait for an answer, 1 millisecond or more
     * @return a view, which needs no closing
     * @throws IllegalArgumentException if it is less than a millisecond
     */
    public Privileged within(Duration limit) {
        if (limit.toMillis() < 1)
            throw new IllegalArgumentException("a deadline is 1 ms or more, not " + limit);
        return new Privileged(conversations, limit);
    }

    /**
     * Opens a file, as {@link #open(Path, int, OpenFlag...)} with mode 0666.
     *
     * @param file its absolute path, without . and .. in it
     * @param how the access and the way; NOFOLLOW is implied
     * @return the descriptor, the caller's
     * @throws IOException as said above
     */
    public Fd open(Path file, OpenFlag... how) throws IOException {
        return open(file, DEFAULT_MODE, how);
    }

    /**
     * Opens a file, and says the mode it gets if it is created.
     *
     * <p>Policy: {@code open ACCESS[,ACCESS] [links] [special] [mounts] [owner=IDS] [group=GID] [mode=0666] PATH}. ACCESS is read,
     * write, append or create; {@code mode} has the bits that the child may ask for in a file it makes. Refused are directories,
     * files with more than one hard link unless {@code links}, devices and pipes unless {@code special}, files on what is mounted
     * beneath the directory unless {@code mounts}, and files that do not belong to the {@code owner}. With one owner, a file that
     * is made belongs to it, and to the {@code group}. Append, like privman's, is what the descriptor begins with: a hostile child
     * can clear O_APPEND with fcntl(2), unless the file has the system's append-only attribute.
     *
     * <p>Request 1: string path, n32 flags (bit n is the n-th {@link OpenFlag}), n32 mode; DESCRIPTOR.
     *
     * @param file its absolute path, without . and .. in it
     * @param mode permission bits, 0 to 0777, less the parent's umask
     * @param how the access and the way; NOFOLLOW is implied
     * @return the descriptor, the caller's
     * @throws IOException as said above
     */
    public Fd open(Path file, int mode, OpenFlag... how) throws IOException {
        Set<OpenFlag> flags = EnumSet.noneOf(OpenFlag.class);
        flags.addAll(List.of(how));
        return descriptor(new OpenFile(text(file), flags, mode));
    }

    /**
     * Makes a listening TCP socket.
     *
     * <p>Policy: {@code bind tcp|udp [reuse] [backlog=N] ADDRESS:PORT}. ADDRESS is *, an IPv4 address, an IPv6 address in brackets,
     * which with %INTERFACE is one of that interface only, or a network with /BITS, and no name; PORT is *, one, or a range. The
     * backlog is up to 128 unless set; {@code reuse} lets the child ask for SO_REUSEADDR.
     *
     * <p>Request 2: n8 kind (0 TCP, 1 UDP, 2 Unix stream, 3 Unix datagram), string address or path, n16 port, n8 reuse, n32
     * backlog, n32 mode; DESCRIPTOR.
     *
     * @param address the address, resolved; port 0 for any free one
     * @param backlog the most connections that wait
     * @param reuse whether SO_REUSEADDR is set
     * @return the socket, the caller's
     * @throws IOException as said above
     */
    public Fd listen(InetSocketAddress address, int backlog, boolean reuse) throws IOException {
        return descriptor(new BindSocket(SocketKind.TCP, literal(address), address.getPort(), reuse, backlog, 0));
    }

    /**
     * Makes a bound UDP socket; policy and request as {@link #listen(InetSocketAddress, int, boolean)}.
     *
     * @param address the address, resolved; port 0 for any free one
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
     * <p>Policy: {@code bind unix|unix-datagram [reuse] [backlog=N] [mode=0600] [mounts] PATH}. {@code reuse} lets the child ask
     * to replace a socket that is there; the mode has the bits that the child may ask for. Refused are places on what is mounted
     * beneath the directory unless {@code mounts}. Request 2, as for TCP.
     *
     * @param socket its path
     * @param mode its permission bits, all of them: the umask does not count
     * @param backlog the most connections that wait
     * @param replace whether a socket that is there is removed first
     * @return the socket, the caller's
     * @throws IOException as said above
     */
    public Fd listen(Path socket, int mode, int backlog, boolean replace) throws IOException {
        return descriptor(new BindSocket(SocketKind.UNIX, text(socket), 0, replace, backlog, mode));
    }

    /**
     * Makes a bound Unix datagram socket; policy and request as {@link #listen(Path, int, int, boolean)}.
     *
     * @param socket its path
     * @param mode its permission bits, all of them: the umask does not count
     * @param replace whether a socket that is there is removed first
     * @return the socket, the caller's
     * @throws IOException as said above
     */
    public Fd bind(Path socket, int mode, boolean replace) throws IOException {
        return descriptor(new BindSocket(SocketKind.UNIX_DATAGRAM, text(socket), 0, replace, 0, mode));
    }

    /**
     * Makes a connected TCP or UDP socket.
     *
     * <p>Policy: {@code connect tcp|udp ADDRESS:PORT}, with addresses as in a bind. Request 3: n8 kind, string address or path, n16
     * port; DESCRIPTOR.
     *
     * @param kind TCP or UDP
     * @param address the peer's address, resolved
     * @return the socket, the caller's
     * @throws IOException as said above
     */
    public Fd connect(SocketKind kind, InetSocketAddress address) throws IOException {
        return descriptor(new ConnectSocket(kind, literal(address), address.getPort()));
    }

    /**
     * Makes a connected Unix socket. Policy: {@code connect unix|unix-datagram [mounts] PATH}. Refused are
     * sockets on what is mounted beneath the directory unless {@code mounts}. Request 3.
     *
     * @param kind UNIX or UNIX_DATAGRAM
     * @param socket the peer's path
     * @return the socket, the caller's
     * @throws IOException as said above
     */
    public Fd connect(SocketKind kind, Path socket) throws IOException {
        return descriptor(new ConnectSocket(kind, text(socket), 0));
    }

    /**
     * Runs a program under another user, until it ends or is killed. The deadline is for its start; the policy and
     * {@link Program#time(Duration)} have times for the whole run.
     *
     * <p>Policy: {@code run user=UID|users=FIRST-LAST|as=WHO [OPTION...] PROGRAM [ARGUMENT...]}. With {@code users} each run has a uid to
     * itself. When it ends, the processes of that uid are killed, its files in /tmp, /var/tmp, /dev/shm and their like are removed,
     * and its System V IPC is gone; only then is the uid used again. Runs with {@code user} share the uid and may signal each other.
     * With {@code as}, the child {@linkplain Program#as(String) says} the user, and the run has this user's groups, and USER, LOGNAME, HOME and
     * SHELL in its environment. WHO are the uids it may be, or {@code authenticated}: any user but root whose password the child has
     * shown in this session. A user with group 0 is refused. The password is shown by {@link #authenticate(String, String, byte[])}.
     * As ARGUMENT a * is any one argument, ... at the end any number, and both are themselves in quotes. The options are:
     * <ul>
     * <li>{@code group=GID}: the group; else that of the user's account with {@code as}, and one with the uid's number without
     * <li>{@code under=PATH}: the paths where the working directory may be; it is / unless the child asks
     * <li>{@code mounts}: the working directory may be on what is mounted beneath that path
     * <li>{@code own=IDS}: the working directory's tree, which must belong to these users, is given to the run's user first
     * <li>{@code environment=NAME[=VALUE],...}: variables with values, and without if the child may give them
     * <li>{@code time=SECONDS}: the longest time
     * <li>{@code descriptors=FIRST-LAST}: the numbers that descriptors of the child may have in the program, 3 to 255. A directory is
     * refused: it would be a way out of a chroot
     * <li>{@code cpu=600 nofile=1024 nproc=256 fsize=2G core=0 memlock=8M data=unlimited}: limits of setrlimit(2), here with the
     * values of a line without them; no limit is higher than the parent's. They are set by prlimit(1) of util-linux
     * <li>{@code memory.max=512M pids.max=100 cpu.max=0.5}: the bytes, processes and processors that the run may use together, if
     * its monitor makes {@linkplain Monitor.Builder#controlGroups(org.imsg.privsep.rights.ControlGroups) control groups}; else it fails. {@code /bin/sh} must be within reach
     * <li>{@code nice=0-19}: how much more the program gives way to others than the parent does
     * <li>{@code promises=WORD,...}, {@code unveil=PATH:rwcx,...}, {@code namespaces=WORD,...}, {@code chroot=DIRECTORY}: a
     * {@linkplain org.imsg.privsep.rights.Confinement confinement}, in which setpriv(1), prlimit(1) and the program must be within
     * reach; the promise {@code id} is added for prlimit(1). The program of a chroot begins in its root
     * </ul>
     *
     * <p>Request 4: string program, list arguments, list environment (NAME=value), string directory (empty: the root), string user (empty unless the line has {@code as}), n8 count and as many n8 with
     * the numbers of descriptors, each of which came before in a {@link OperationProtocol#HANDED}; STARTED, three
     * STREAM, then EXITED. A SIGNAL (n32 signal) with the same peerid goes to the program.
     *
     * @param program the program
     * @return the running program, the caller's to close
     * @throws IOException as said above; EAGAIN if every uid is taken, or as many programs run as may
     */
    public RunningProgram run(Program program) throws IOException {
        RunningProgram running = new RunningProgram(conversations);
        int peerid = conversations.start(program.time(), program.request(), program.descriptors(),
                running.replies());
        return running.awaitStarted(peerid, program, deadline);
    }

    /**
     * Changes the owner of a file, or of a directory and everything beneath it; of links themselves.
     *
     * <p>Policy: {@code chown from=IDS to=UIDS:GIDS PATH}, for files that belong to {@code from}. Something mounted in the tree
     * or on the way to it is an error. Request 6: string path, n32 uid, n32 gid; DONE.
     *
     * @param tree the file or directory
     * @param uid the new owner, 0 to 4294967294
     * @param gid the new group, in the same range
     * @throws IOException as said above; a part may be done then
     */
    public void chown(Path tree, long uid, long gid) throws IOException {
        answer(new ChownTree(text(tree), id(uid), id(gid))).close();
    }

    /**
     * Removes a file, or a directory and everything beneath it.
     *
     * <p>Policy: {@code remove PATH}. Something mounted in the tree or on the way to it is an error; without openat2(2), a mount of
     * the same file system is not noticed. Request 7: string path; DONE.
     *
     * @param tree the file or directory
     * @throws IOException as said above; a part may be gone then
     */
    public void remove(Path tree) throws IOException {
        answer(new RemoveTree(text(tree))).close();
    }

    /**
     * Looks up names and numbers, which a chroot hides.
     *
     * <p>Policy: {@code lookup KIND...}, of user, group, service, rpc, ether, host, address, localtime and protocol.
     * {@code host=NAME[,NAME]} allows these names only; {@code *.NAME} is every name beneath it. Request 8: n8 kind (0 is user, and
     * so on in this order), string key, string second key; DONE or ABSENT.
     *
     * @return the way to look them up, with the same deadline
     */
    public PrivilegedLookups lookups() {
        return new PrivilegedLookups(this::answer);
    }

    /**
     * Sets the clock.
     *
     * <p>Policy: {@code clock [within=SECONDS]}; the sum of all changes that a line allows is no more than that forward or back, until the
     * policy is read again. Request 9: n8 relative, n64 seconds (signed), n32 nanoseconds; DONE.
     *
     * @param time the time that it shows then
     * @throws IOException as said above
     */
    public void setClock(Instant time) throws IOException {
        answer(new SetClock(false, time.getEpochSecond(), time.getNano())).close();
    }

    /**
     * Sets the clock forward or back from what it shows; the time that the request takes does not matter. Policy and request as
     * {@link #setClock(Instant)}.
     *
     * @param change the difference; negative for back
     * @throws IOException as said above
     */
    public void adjustClock(Duration change) throws IOException {
        answer(new SetClock(true, change.getSeconds(), change.getNano())).close();
    }

    /**
     * Lets the clock go a little faster or slower until it has changed by some time: adjtime(3). On Linux, by 500 microseconds a
     * second, so that no number of requests moves a clock further than that.
     *
     * <p>Policy: {@code slew [within=SECONDS] [frequency=PPM]}, with {@code within} as the bound of one request. Request 10: n8 for good (0),
     * n64 microseconds (signed); DONE with one string, the microseconds that were left of an earlier one.
     *
     * @param change the difference, cut to microseconds, 35 minutes at most; negative for back. It takes the place of what is left of
     *     an earlier one
     * @return what was left of an earlier one
     * @throws IOException as said above
     */
    public Duration slewClock(Duration change) throws IOException {
        return SlewClock.MICROSECOND.multipliedBy(before(new SlewClock(false,
                change.dividedBy(SlewClock.MICROSECOND))));
    }

    /**
     * Makes the clock faster or slower for good: adjfreq(2). Policy and request as {@link #slewClock(Duration)}, with {@code frequency}
     * as the bound, and n8 for good (1), n64 parts per billion (signed).
     *
     * @param partsPerBillion the difference from the machine's own oscillator, -500000 to 500000
     * @return the difference from before
     * @throws IOException as said above
     */
    public long clockFrequency(long partsPerBillion) throws IOException {
        return before(new SlewClock(true, partsPerBillion));
    }

    /**
     * Opens a packet socket on an interface: packet(7) of Linux, with frames from their link-level header on.
     *
     * <p>Policy: {@code packet ethertype=NUMBER[,NUMBER]|udp=PORT[,PORT] INTERFACE}, with the protocols of the frames in hexadecimal
     * (0x0003 is all), or the ports that IPv4 datagrams go to. The socket's filter is that of the line, for that interface only, and
     * locked. It is a filter for what arrives: Linux has none for sending, and lets a child that has such a socket send frames through every
     * interface of its parent's network. Request 11: string interface; DESCRIPTOR.
     *
     * @param networkInterface the interface's name
     * @return the socket, the caller's
     * @throws IOException as said above; ENODEV if there is no such interface
     */
    public Fd packets(String networkInterface) throws IOException {
        return descriptor(new OpenPackets(networkInterface));
    }

    /**
     * A network interface of the parent's: its state, addresses, routes and link. For Linux.
     *
     * <p>Policy: {@code interface [address=NETWORK[,NETWORK]] [route=NETWORK[,NETWORK]] [link] [mtu=LEAST-MOST] NAME}. NETWORK is an address
     * with or without /BITS. The state is always told. An address is allowed with all of its network in one of the line's; a route to
     * one of the line's networks itself, such as 0.0.0.0/0, and to no part of it; {@code link} allows to set it up and down. Request 12:
     * n8 change (0 none, 1 and 2 add and remove an address, 3 and 4 a route, 5 up, 6 down, 7 MTU), string interface, string address,
     * n8 bits, string gateway, n32 seconds or bytes; DONE with a list of strings, the state, if nothing is changed.
     *
     * @param name the interface's name
     * @return the way to ask, with the same deadline
     */
    public PrivilegedInterface networkInterface(String name) {
        return new PrivilegedInterface(name, this::answer);
    }

    /**
     * Asks PAM whether a secret is a user's: pam_authenticate(3) and pam_acct_mgmt(3) of Linux-PAM. Its first question without echo is
     * answered with the secret, and no other question is. A refusal takes a second, also for a user who is not there.
     *
     * <p>Policy: {@code pam [users=IDS] [tries=NUMBER] SERVICE}; without {@code users}, any user but root. With {@code tries} the monitor
     * refuses every further secret, right or wrong, that this process shows: a process per connection has so many. PAM's modules run in the parent, with its
     * rights. The secret is in no message: it goes through a socket of its own, and the memory it was copied to on the way is wiped.
     * The array is the caller's to wipe.
     *
     * <p>A message {@link OperationProtocol#HANDED} with number 3 hands over a stream socket that the secret can be read from. Request 13:
     * string service, string user; DONE with one string, the name, or ABSENT.
     *
     * @param service the name of the service, in /etc/pam.d
     * @param user the user's name as it was typed; PAM is not asked for one that is empty, has more than 256 characters or a
     *     character that no line of a log may have: there is no such user
     * @param secret 0 to 511 bytes, as the user typed them
     * @return the user's name as PAM has it, or empty if the secret is not that of a user of the line
     * @throws IOException as said above; with PAM's words if the secret is right and the account may not be used now, as when it
     *     has expired
     * @throws IllegalArgumentException if the secret is longer
     */
    public Optional<String> authenticate(String service, String user, byte[] secret) throws IOException {
        try (Fd.Pair pair = Fd.socketpair()) {
            Authenticate.send(secret, pair.first());
            try (Imsg answer = conversations.ask(deadline, Authenticate.of(service, user),
                    Map.of(Authenticate.SECRET, pair.second()))) {
                return answer.type() == OperationProtocol.ABSENT
                        ? Optional.empty()
                        : Optional.of(Reply.list(answer).getFirst());
            }
        }
    }

    private long before(SlewClock request) throws IOException {
        try (Imsg answer = answer(request)) {
            return Long.parseLong(Reply.list(answer).getFirst());
        }
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
        return conversations.ask(deadline, request, Map.of());
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
     * Waits until the monitor is gone or this object is closed. A child that has lost its parent should end.
     *
     * @throws InterruptedException if the thread is interrupted
     */
    public void awaitEnd() throws InterruptedException {
        conversations.awaitEnd();
    }

    /** Closes the channel. The monitor kills the programs that run, and the calls that wait here fail. */
    @Override
    public void close() {
        conversations.close();
    }

    /** A path as a policy has it: text whose bytes in UTF-8 are the path's, whatever this process's locale makes of them. */
    private static String text(Path path) {
        if (path.toString().isEmpty())
            return "";
        try {
            return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(NativeString.bytes(path))).toString();
        } catch (CharacterCodingException e) {
            throw new IllegalArgumentException(path + " is not UTF-8, and the paths of a policy are", e);
        }
    }

    @Override
    public String toString() {
        return "privileged operations over " + conversations;
    }
}
