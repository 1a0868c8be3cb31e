package org.imsg.privsep;

import java.util.List;
import java.util.Set;
import org.imsg.privsep.ops.Policy;
import org.imsg.privsep.ops.Privileged;

/** A child, as its own role sees it. Made by {@link Privsep#run(String...)}. */
public final class RoleProcess extends Participant {
    private final String role;
    private final int instance;
    private final Peer parent;
    private volatile Privileged privileged;

    RoleProcess(String program, List<String> arguments, Set<String> reachable, String role, int instance,
            Connection parent, System.Logger log) {
        super(program, arguments, reachable, new Dispatch(log));
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

    void operations(Privileged operations) {
        privileged = operations;
    }

    @Override
    public String toString() {
        return Peer.name(role, instance) + " of " + program();
    }
}
