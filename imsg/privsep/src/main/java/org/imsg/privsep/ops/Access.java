package org.imsg.privsep.ops;

/** What a rule allows to do with a file; also the words of the policy. */
public enum Access {
    /** To read it. */
    READ,
    /** To write it anywhere, and to empty it. */
    WRITE,
    /**
     * To write at its end. Like privman's, this is what the descriptor begins with: a child that is hostile can clear O_APPEND
     * with fcntl(2), unless the file has the system's append-only attribute.
     */
    APPEND,
    /** To make it if it is not there. */
    CREATE
}
