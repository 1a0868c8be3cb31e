/**
 * Giving up rights: {@link org.imsg.privsep.rights.PrivilegeDrop} makes this process an ordinary user,
 * {@link org.imsg.privsep.rights.Confinement} bounds what it, or a child before it runs, can reach. Uses
 * {@code org.imsg.unix} and {@code org.imsg.sys}; knows no message and no role.
 */
package org.imsg.privsep.rights;
