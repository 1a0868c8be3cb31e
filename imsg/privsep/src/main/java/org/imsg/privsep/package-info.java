/**
 * Privilege-separated programs: roles as data, a process for each with a channel to the parent and to the roles it names,
 * started, watched and stopped by the parent. Uses {@code org.imsg}, {@code org.imsg.unix},
 * {@code org.imsg.privsep.rights} and {@code org.imsg.privsep.ops}.
 *
 * {@snippet file = "org/imsg/examples/relayd/Relayd.java" region = "main"}
 *
 * <h2>Roles</h2>
 *
 * <p>{@link org.imsg.privsep.Privsep} names the roles, and every child is the same {@code main} executed again. A
 * {@link org.imsg.privsep.Role} prepares while it still has its rights, gives them up, and starts when all others are ready.
 * {@link org.imsg.privsep.RoleSettings} says who it becomes and what it can reach: {@code user}, {@code chroot}, {@code unveil},
 * {@code pledge}, and limits. {@link org.imsg.privsep.Parent} keeps the rights and does little else.
 *
 * <h2>Messages</h2>
 *
 * <p>{@link org.imsg.privsep.Participant#on(int, PeerHandler) on} names the handler of a type; the sending
 * {@link org.imsg.privsep.Peer} is known by the channel, never by what a message says. Two roles are joined when one says
 * {@link org.imsg.privsep.RoleSettings#connect(String...) connect}. A peer's {@code send} never waits, and what is queued for it has
 * the bounds of {@link org.imsg.privsep.PeerBounds}.
 *
 * <h2>Threads</h2>
 *
 * <p>The methods and handlers of a role are called one at a time, so that it needs no locks; one that waits holds up the others. A
 * {@code Peer} may be used by any thread.
 *
 * <h2>Ends</h2>
 *
 * <p>{@link org.imsg.privsep.Finish} tells how a child ended, and {@link org.imsg.privsep.AfterEnd} what follows: the program stops, the child
 * is started again with growing pauses, or the others go on without it. A child whose parent has died ends within half a second.
 *
 * <h2>Processes on demand</h2>
 *
 * <p>{@link org.imsg.privsep.OnDemand} starts a process when a connection asks for one, from confined spares, up to a limit.
 */
package org.imsg.privsep;
