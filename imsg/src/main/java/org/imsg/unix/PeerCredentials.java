package org.imsg.unix;

/**
 * The ids of the process at the other end of a Unix socket, as the kernel vouches for them: the effective ones it had when it
 * connected, listened or made the socketpair. Another process may have got the socket or the pid since then; see
 * {@link Sockets#peerProcess(Fd)}.
 *
 * <p>Ids are unsigned: 0 to 4294967294. On Linux an id that is not mapped in this process's user namespace is the overflow id,
 * 65534 unless /proc/sys/kernel/overflowuid says otherwise: many users share it, so no right should hang on it.
 *
 * @param uid the user id
 * @param gid the group id
 * @param pid the process id; 0 if the process is not visible in this PID namespace, -1 where the system does not say
 *     (getpeereid)
 */
public record PeerCredentials(long uid, long gid, int pid) {
    /** What the kernel says of a socket that has no peer, and what C's -1 is as an id: that of no user. */
    static final long NONE = 0xFFFF_FFFFL;

    /**
     * Checks the ids.
     *
     * @throws IllegalArgumentException if an id is not 0 to 4294967294, such as -1
     */
    public PeerCredentials {
        if (uid < 0 || uid >= NONE || gid < 0 || gid >= NONE)
            throw new IllegalArgumentException("an id is 0 to " + (NONE - 1) + ", not uid " + uid + ", gid " + gid);
    }

    @Override
    public String toString() {
        return "uid " + uid + " gid " + gid + " pid " + pid;
    }
}
