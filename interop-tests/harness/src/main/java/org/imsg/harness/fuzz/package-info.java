/**
 * Finds messages that a daemon does not survive: mutates exchanges, watches the daemon, shrinks what it finds. Uses
 * {@code org.imsg.harness.record} and {@code org.imsg.harness.describe}.
 */
package org.imsg.harness.fuzz;
