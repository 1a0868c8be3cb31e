/**
 * Privilege-separated programs: roles as data, a process for each with a channel to the parent and to the roles it names,
 * started, watched and stopped by the parent. Uses {@code org.imsg}, {@code org.imsg.unix},
 * {@code org.imsg.privsep.rights} and {@code org.imsg.privsep.ops}.
 */
package org.imsg.privsep;
