package org.imsg.privsep;

import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.UnaryOperator;
import org.imsg.Imsg;

/**
 * This process, as one of a privilege-separated program: the other processes, and the handlers of their messages.
 *
 * <p>Handlers are chosen by the type of the message and, if wanted, the role of its sender. They run one at a time, so that
 * they need no locks among themselves; messages of one peer keep their order. Every method here may be called by any thread.
 */
public abstract sealed class Participant permits ParentProcess, RoleProcess {
    private record Place(String role, int instance) implements Comparable<Place> {
        @Override
        public int compareTo(Place other) {
            int byRole = role.compareTo(other.role);
            return byRole != 0 ? byRole : Integer.compare(instance, other.instance);
        }
    }

    private final String program;
    private final List<String> arguments;
    private final Set<String> reachable;
    private final Dispatch dispatch;
    private final Map<Place, Peer> peers = new ConcurrentSkipListMap<>();

    Participant(String program, List<String> arguments, Set<String> reachable, Dispatch dispatch) {
        this.program = program;
        this.arguments = arguments;
        this.reachable = reachable;
        this.dispatch = dispatch;
    }

    /**
     * The program's name.
     *
     * @return as given to {@link Privsep#program(String)}
     */
    public final String program() {
        return program;
    }

    /**
     * The program's arguments.
     *
     * @return as given to {@link Privsep#run(String...)}, in the children too
     */
    public final List<String> arguments() {
        return arguments;
    }

    /**
     * Handles the messages of a type, from whomever they come.
     *
     * @param type the type, under {@link Peer#FIRST_RESERVED_TYPE}
     * @param handler what to do with each
     * @throws IllegalArgumentException if the type is the framework's own
     * @throws IllegalStateException if the type has such a handler already
     */
    public final void on(int type, PeerHandler handler) {
        dispatch.on(type, handler);
    }

    /**
     * Handles the messages of a type that come from one role; from others they are {@linkplain OnViolation violations}, unless
     * another handler is there for them.
     *
     * @param role the sender's role, or {@link Peer#PARENT}
     * @param type the type, under {@link Peer#FIRST_RESERVED_TYPE}
     * @param handler what to do with each
     * @throws IllegalArgumentException if the type is the framework's own, or this process is not connected to the role
     * @throws IllegalStateException if there is such a handler already
     */
    public final void on(String role, int type, PeerHandler handler) {
        checkReachable(role);
        dispatch.on(role, type, handler);
    }

    /**
     * The processes of a role that are connected at the moment.
     *
     * @param role the role
     * @return its processes, by their number; none if all are down at the moment
     * @throws IllegalArgumentException if this process is not connected to the role
     */
    public final List<Peer> peers(String role) {
        checkReachable(role);
        return peers.values().stream().filter(peer -> peer.role().equals(role) && peer.isConnected()).toList();
    }

    /**
     * The first process of a role that is connected at the moment.
     *
     * @param role the role
     * @return one of its processes
     * @throws PeerGoneException if none is connected
     * @throws IllegalArgumentException if this process is not connected to the role
     */
    public final Peer peer(String role) throws PeerGoneException {
        return peers(role).stream().findFirst().orElseThrow(() -> new PeerGoneException(role));
    }

    /**
     * A certain process.
     *
     * @param role its role
     * @param instance which of the role's processes, 0 or more
     * @return the process
     * @throws PeerGoneException if it is not connected at the moment
     * @throws IllegalArgumentException if this process is not connected to the role
     */
    public final Peer peer(String role, int instance) throws PeerGoneException {
        checkReachable(role);
        Peer peer = peers.get(new Place(role, instance));
        if (peer == null || !peer.isConnected())
            throw new PeerGoneException(Peer.name(role, instance));
        return peer;
    }

    /**
     * Asks for a process of a role {@linkplain RoleSettings#onDemand(UnaryOperator) on demand}, and hands it a request, which {@link Role#serve(RoleProcess, Imsg)} is
     * given there: an accepted connection as its descriptor, perhaps. Waits while all processes there may be are in use. A handler that waits keeps other
     * handlers waiting: a thread of its own, a virtual one perhaps, is better.
     *
     * @param role the role
     * @param request of any type and at most {@value Protocol#LONGEST_REQUEST} bytes; its descriptor is this call's: passed on, or closed if it throws
     * @param patience how long to wait for a process; zero or less to take one that is there at once, or none
     * @return the process that has the request
     * @throws RoleBusyException if none has taken it in time, or too many requests wait already
     * @throws PeerGoneException if the parent or the process that was given it has just ended
     * @throws IllegalArgumentException if the payload is too long, or this process may not ask for the role
     * @throws IOException if it cannot be sent
     * @throws InterruptedException if the thread is interrupted; a process may have the request all the same
     */
    public final Peer request(String role, Imsg request, Duration patience) throws IOException, InterruptedException {
        try (request) {
            checkRequest(role, request);
            return ask(role, request, patience);
        }
    }

    final void checkRequest(String role, Imsg request) {
        checkReachable(role);
        if (request.length() > Protocol.LONGEST_REQUEST)
            throw new IllegalArgumentException(
                    "a request has " + Protocol.LONGEST_REQUEST + " bytes at most, not " + request.length());
    }

    abstract Peer ask(String role, Imsg request, Duration patience) throws IOException, InterruptedException;

    /** Waits for the fate of a request; a second longer than it waits for a process. */
    static <T> T await(Future<T> fate, Duration patience) throws IOException, InterruptedException {
        try {
            return fate.get(Math.clamp(TimeUnit.MILLISECONDS.convert(patience), 0, Long.MAX_VALUE - 1000) + 1000,
                    TimeUnit.MILLISECONDS);
        } catch (ExecutionException e) {
            throw e.getCause() instanceof IOException cause ? cause : new IOException(e.getCause());
        } catch (TimeoutException _) {
            throw new RoleBusyException("no answer came after " + patience);
        }
    }

    /**
     * A logger: in the parent the system's, in a child one whose records travel to the parent.
     *
     * @return a logger, named after the program
     */
    public final System.Logger log() {
        return RelayLogger.of(program);
    }

    private void checkReachable(String role) {
        if (!reachable.contains(role))
            throw new IllegalArgumentException("not connected to a role " + role + ", but to " + reachable);
    }

    final Dispatch dispatch() {
        return dispatch;
    }

    /** Takes the place of whoever was there. */
    final void add(Peer peer) {
        peers.put(new Place(peer.role(), peer.instance()), peer);
    }

    /** Unless another is in its place by now. */
    final void remove(Peer peer) {
        peers.remove(new Place(peer.role(), peer.instance()), peer);
    }

    final List<Peer> everybody() {
        return List.copyOf(peers.values());
    }
}
