/**
 * Privileged operations for a process that has no rights: a {@link org.imsg.privsep.ops.Monitor} in the parent performs those that a
 * {@link org.imsg.privsep.ops.Policy} allows, and a {@link org.imsg.privsep.ops.Privileged} in the child asks for it over an
 * {@code ImsgChannel}. Uses {@code org.imsg} and {@code org.imsg.unix}; knows nothing of roles.
 *
 * <h2>Policy</h2>
 *
 * {@snippet file = "org/imsg/privsep/ops/OperationsSnippets.java" region = "policy"}
 *
 * <p>Each line allows one kind of request; a request that no line allows is refused, logged, and an
 * {@link org.imsg.privsep.ops.RefusedException} in the child. The methods of {@code Privileged} say which line allows them. A file
 * that a line names is reached by descriptor, and no symbolic link is followed beneath it.
 *
 * <h2>The parent's side</h2>
 *
 * {@snippet file = "org/imsg/privsep/ops/OperationsSnippets.java" region = "monitor"}
 *
 * <p>Each child has {@link org.imsg.privsep.ops.Limits} of its own. One that asks too fast is slowed, one that breaks the protocol or does
 * not read its answers is dropped, and the other children notice neither. A role gets all this by
 * {@link org.imsg.privsep.RoleSettings#policy(org.imsg.privsep.ops.Policy)}.
 *
 * <h2>The child's side</h2>
 *
 * {@snippet file = "org/imsg/privsep/ops/OperationsSnippets.java" region = "privileged"}
 *
 * <p>What is opened, bound or connected comes as an {@link org.imsg.unix.Fd} that the child owns. A program that is run under another
 * user is a {@link org.imsg.privsep.ops.RunningProgram}, with its output and its end.
 */
package org.imsg.privsep.ops;
