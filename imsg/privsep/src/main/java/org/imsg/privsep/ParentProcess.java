package org.imsg.privsep;

import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import org.imsg.Imsg;
import org.imsg.privsep.rights.Ids;
import org.imsg.privsep.rights.PrivilegeException;
import org.jspecify.annotations.Nullable;

/** The parent, as {@link Parent} sees it. Made by {@link Privsep#run(String...)}. */
public final class ParentProcess extends Participant {
    /** Where requests for a role go. */
    interface Requests {
        /** Refuses only what can never be: all else is told to the asker later. */
        void ask(String role, Request request) throws PrivilegeException;
    }

    /** The way to the supervising thread. */
    interface Orders {
        void stop();

        void reload();

        void up(String role);

        void down(String role);

        void restart(String role);
    }

    /** Looks at the children. */
    interface Children {
        List<ChildStatus> look() throws IOException, InterruptedException;
    }

    private final Set<String> roles;
    private final Orders orders;
    private final Requests asked;
    private final Children children;

    ParentProcess(String program, List<String> arguments, Set<String> roles, Dispatch dispatch, Orders orders,
            Requests asked, Children children) {
        super(program, arguments, roles, dispatch);
        this.roles = roles;
        this.orders = orders;
        this.asked = asked;
        this.children = children;
    }

    /**
     * Stops the program in order: each child's channel is ended; one that does not end then gets SIGTERM and SIGKILL, each
     * after its deadline. {@link Privsep#run(String...)} returns when all have been waited for. Returns at once.
     */
    public void stop() {
        orders.stop();
    }

    /** Lets the program read its configuration again, as SIGHUP does. Returns at once. */
    public void reload() {
        orders.reload();
    }

    /**
     * Ends the processes of a role in order, and starts none until {@link #up(String)}. Requests for a role on demand are refused
     * meanwhile. Returns at once.
     *
     * @param role the role
     * @throws IllegalArgumentException if there is no such role
     */
    public void down(String role) {
        orders.down(known(role));
    }

    /**
     * Starts the processes of a role that has none: it was taken down, is {@linkplain RoleSettings#down() down} to begin with, or has ended
     * by itself. Without effect on those that run. Returns at once.
     *
     * @param role the role
     * @throws IllegalArgumentException if there is no such role
     */
    public void up(String role) {
        orders.up(known(role));
    }

    /**
     * Ends the processes of a role in order and starts them anew, at once if they were waiting to be restarted. Those on demand serve the
     * request they have first. Returns at once.
     *
     * @param role the role
     * @throws IllegalArgumentException if there is no such role
     */
    public void restart(String role) {
        orders.restart(known(role));
    }

    /**
     * Returns how each process is, for programs that watch themselves; {@code imsg ctl status} shows the same and what the kernel
     * knows.
     *
     * @return one for each process of each role, also for those that do not run
     * @throws IOException if the thread that supervises them does not answer in ten seconds
     * @throws InterruptedException if the thread is interrupted meanwhile
     */
    public List<ChildStatus> children() throws IOException, InterruptedException {
        return children.look();
    }

    private String known(String role) {
        if (!roles.contains(role))
            throw new IllegalArgumentException("there is no role " + role);
        return role;
    }

    @Override
    Peer ask(String role, Imsg request, Duration patience) throws IOException, InterruptedException {
        return ask(role, null, request, patience);
    }

    /**
     * Asks for a process, as {@link #request(String, Imsg, Duration)}, that runs under ids of this moment: those of a user who has just logged in. What it must know
     * of them, a name or a key, belongs into the request: not into its environment or command line, where others can read it. What a process of these ids
     * leaves running is ended with it.
     *
     * @param role the role, whose settings {@linkplain OnDemand#startAs(Predicate) permit} the ids
     * @param ids whose the process is
     * @param request as there
     * @param patience as there, and long enough to start a JVM
     * @return the process that has the request
     * @throws PrivilegeException if the role may not be started as that user
     * @throws RoleBusyException if none has taken it in time, or too many requests wait already
     * @throws PeerGoneException if the process that was given it has just ended
     * @throws IllegalArgumentException if the payload is too long
     * @throws IOException if it cannot be sent
     * @throws InterruptedException if the thread is interrupted; a process may have the request all the same
     */
    public Peer requestAs(String role, Ids ids, Imsg request, Duration patience)
            throws IOException, InterruptedException {
        try (request) {
            checkRequest(role, request);
            return ask(role, Objects.requireNonNull(ids), request, patience);
        }
    }

    private Peer ask(String role, @Nullable Ids ids, Imsg request, Duration patience)
            throws IOException, InterruptedException {
        CompletableFuture<Peer> fate = new CompletableFuture<>();
        Request asking = new Request(Protocol.request(Protocol.REQUEST, request), ids, null,
                TimeUnit.NANOSECONDS.convert(patience),
                new Request.Asker() {
                    @Override
                    public void given(Peer to) {
                        fate.complete(to);
                    }

                    @Override
                    public void refused(String why) {
                        fate.completeExceptionally(new RoleBusyException(why));
                    }
                });
        try {
            asked.ask(role, asking);
            return await(fate, patience);
        } finally {
            asking.withdraw();
        }
    }

    @Override
    public String toString() {
        return "parent of " + program();
    }
}
