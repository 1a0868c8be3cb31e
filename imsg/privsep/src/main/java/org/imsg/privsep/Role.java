package org.imsg.privsep;

import java.time.Duration;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;
import org.imsg.Imsg;

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
     * Serves a request, for a role {@linkplain RoleSettings#onDemand(UnaryOperator) on demand}. Called in a thread of its own, beside the other methods and the
     * handlers. The request has been served when this returns; whether it throws makes no difference but for a line of the log.
     *
     * @param self this process
     * @param request as it was given to {@link Participant#request(String, Imsg, Duration)}, with its descriptor, an accepted connection perhaps; closed
     *     when this has returned
     * @throws Exception logged
     * @throws InterruptedException if the program stops
     */
    default void serve(RoleProcess self, Imsg request) throws Exception {
        throw new UnsupportedOperationException("role " + self.role() + " is on demand, and has no serve()");
    }

    /**
     * Rehearses {@link #serve(RoleProcess, Imsg)} before the first request, which then need not wait for classes to be loaded and
     * compiled: once, or as often as {@link OnDemand#rehearsal(int, byte[], byte[])} says. Whatever a request would do should be
     * done here.
     *
     * @param self this process
     * @param request of type 0, with the payload that was set there, or none. Its descriptor is a connected Unix socket, which has the
     *     input that was set there, then reads as ended, and takes what is written to it
     * @throws Exception logged, and otherwise without effect
     */
    default void rehearse(RoleProcess self, Imsg request) throws Exception {
        // the framework's part is rehearsed in any case
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
