package org.imsg.privsep;

/**
 * What a child of a privilege-separated program does: p_init of OpenBSD's proc.c, and what follows. One is made in each process
 * of the role, by the factory given to {@link Privsep#role(String, Supplier)}, and never in the parent.
 *
 * <p>All its methods but {@link #prepare(RoleProcess)} and the handlers it registers are called one at a time, so that a role needs no locks
 * of its own; one that waits in them keeps all others waiting.
 */
@FunctionalInterface
public interface Role {
    /**
     * Called first, before rights are given up and before any connection: for things that will be out of reach afterwards.
     *
     * @param self this process
     * @throws Exception to end the process with code 1; the parent's log says why
     */
    default void prepare(RoleProcess self) throws Exception {
        // most roles need nothing
    }

    /**
     * Called when every process of the program is ready: confined, and connected to those it declared. Registers handlers for
     * the messages to come, which wait until this returns.
     *
     * @param self this process
     * @throws Exception to end the process with code 1; the parent's log says why
     */
    void start(RoleProcess self) throws Exception;

    /**
     * Called for every process this one is connected to: after {@link #start(RoleProcess)}, and when one that died has been started again.
     *
     * @param self this process
     * @param peer the process at the other end
     * @throws Exception logged, and otherwise without effect
     */
    default void connected(RoleProcess self, Peer peer) throws Exception {
        // for roles that greet
    }

    /**
     * Called when a process this one was connected to has ended, or its connection.
     *
     * @param self this process
     * @param peer the process; nothing can be sent to it any more
     * @throws Exception logged, and otherwise without effect
     */
    default void disconnected(RoleProcess self, Peer peer) throws Exception {
        // for roles that keep state for a peer
    }

    /**
     * Called when the program is to read its configuration again: SIGHUP at the parent, or {@link ParentProcess#reload()}.
     *
     * @param self this process
     * @throws Exception logged, and otherwise without effect
     */
    default void reload(RoleProcess self) throws Exception {
        // for roles with a configuration
    }

    /**
     * Called when the parent has ended the channel: the last chance to put things in order, after which the process ends with code
     * 0. Bounded by {@link Privsep#deadlines(Deadlines)}.
     *
     * @param self this process
     * @throws Exception to end the process with code 1
     */
    default void stop(RoleProcess self) throws Exception {
        // for roles with something to finish
    }
}
