/**
 * A build server in two processes: one faces the web and has no rights, one is root and starts each build under a uid of its
 * own. Uses {@code org.imsg.privsep.ops} and {@code org.imsg.privsep.rights}.
 */
package org.imsg.examples.buildrunner;
