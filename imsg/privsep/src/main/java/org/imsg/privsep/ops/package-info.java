/**
 * Privileged operations for a process that has no rights: a {@link org.imsg.privsep.ops.Monitor} in the parent performs those that a
 * {@link org.imsg.privsep.ops.Policy} allows, and a {@link org.imsg.privsep.ops.Privileged} in the child asks for it over an
 * {@code ImsgChannel}. Uses {@code org.imsg}, {@code org.imsg.unix} and {@code org.imsg.sys}; knows nothing of roles.
 */
package org.imsg.privsep.ops;
