package org.imsg.privsep;

import java.io.IOException;
import java.nio.channels.ClosedChannelException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.imsg.Imsg;
import org.imsg.privsep.ops.Policy;
import org.imsg.privsep.ops.Privileged;
import org.imsg.unix.Fd;
import org.jspecify.annotations.Nullable;

/** A child, as its own role sees it. Made by {@link Privsep#run(String...)}. */
public final class RoleProcess extends Participant {
    private final Set<String> askable;
    private final String role;
    private final int instance;
    private final Peer parent;
    private final Map<String, List<Fd>> descriptors = new ConcurrentHashMap<>();
    private volatile @Nullable Privileged privileged;
    private final AtomicInteger questions = new AtomicInteger();
    private final Map<Integer, Asked> asked = new ConcurrentHashMap<>();

    /** A request for a process of a role, and the one that has it. */
    private record Asked(String role, CompletableFuture<Peer> fate) {}

    RoleProcess(String program, List<String> arguments, Set<String> reachable, Set<String> askable, String role,
            int instance,
            Connection parent, System.Logger log) {
        super(program, arguments, reachable, new Dispatch(log));
        this.askable = askable;
        this.role = role;
        this.instance = instance;
        this.parent = new Peer(Peer.PARENT, 0, parent);
        add(this.parent);
    }

    /**
     * The role this process runs.
     *
     * @return its name
     */
    public String role() {
        return role;
    }

    /**
     * Which of the role's processes this is.
     *
     * @return 0 or more
     */
    public int instance() {
        return instance;
    }

    /**
     * The parent, which is there as long as this process is.
     *
     * @return the process at the other end of descriptor 3
     */
    public Peer parent() {
        return parent;
    }

    /**
     * The operations this process may ask its parent for, as the {@linkplain RoleSettings#policy(Policy) policy} of its role says. There
     * from {@link Role#start(RoleProcess)} on, until the process ends; if the monitor has dropped it, every call fails.
     *
     * @return the privileged operations; not to be closed, for there are no others
     * @throws IllegalStateException if the role has no policy, or is not started yet
     */
    public Privileged privileged() {
        Privileged operations = privileged;
        if (operations == null)
            throw new IllegalStateException("role " + role + " has no policy, or is not started yet");
        return operations;
    }

    /**
     * The descriptors that systemd has passed to the program under a name, if the role is to have them by
     * {@link RoleSettings#descriptors(String...)}. There from {@link Role#start(RoleProcess)} on.
     *
     * @param name the name
     * @return the descriptors, this process's to close, in systemd's order; empty if it was not started by systemd or has passed none
     */
    public List<Fd> descriptors(String name) {
        return List.copyOf(descriptors.getOrDefault(name, List.of()));
    }

    void take(String name, Fd passed) {
        descriptors.merge(name, List.of(passed), (some, more) -> Stream.concat(some.stream(), more.stream()).toList());
    }

    void operations(Privileged operations) {
        privileged = operations;
    }

    @Override
    Peer ask(String wanted, Imsg request, Duration patience) throws IOException, InterruptedException {
        if (!askable.contains(wanted))
            throw new IllegalArgumentException("role " + role + " may not ask for role " + wanted);
        int number = questions.incrementAndGet();
        CompletableFuture<Peer> fate = new CompletableFuture<>();
        asked.put(number, new Asked(wanted, fate));
        try (Imsg question = Protocol.ask(number, wanted,
                Math.clamp(TimeUnit.MILLISECONDS.convert(patience), 0, Integer.MAX_VALUE),
                request)) {
            parent.connection().send(question);
            return await(fate, patience);
        } catch (ClosedChannelException _) {
            throw new PeerGoneException(Peer.PARENT);
        } finally {
            asked.remove(number);
        }
    }

    /**
     * The parent's answer to a request: {@link Protocol#GIVEN} or {@link Protocol#REFUSED}. The process is looked up before the next message
     * is read, which may connect its successor.
     */
    void answered(Imsg answer) {
        Asked question = asked.get(answer.id());
        if (question == null)
            return;
        try {
            if (answer.type() != Protocol.GIVEN)
                throw new RoleBusyException(answer.getString(answer.length()));
            question.fate.complete(peer(question.role, (int) answer.getIbuf().getH32()));
        } catch (IOException e) {
            question.fate.completeExceptionally(e);
        }
    }

    /** What the parent handed over last is served. */
    void done() throws IOException {
        parent.connection().send(Imsg.of(Protocol.DONE));
    }

    @Override
    public String toString() {
        return Peer.name(role, instance) + " of " + program();
    }
}
