package org.imsg.unix;

/**
 * Who is at the other end of a Unix socket: the effective ids the peer had when it connected or made the socketpair, as the
 * kernel vouches for them.
 *
 * @param uid the user id, unsigned
 * @param gid the group id, unsigned
 * @param pid the process id, or -1 where the system does not say (getpeereid)
 */
public record PeerCredentials(int uid, int gid, int pid) {}
