package org.imsg;

/** What became of the descriptor of a message. */
public enum Descriptor {
    /** The message has none and says so. */
    NONE,
    /** It is here, to be taken; if nobody does, it is closed with the message. */
    PRESENT,
    /** It was here and has been taken. */
    TAKEN,
    /**
     * The sender passed one and the kernel did not deliver it (MSG_CTRUNC): this process's descriptor table is full, or the channel
     * does not allow descriptors. The descriptor is gone.
     */
    LOST,
    /** The header says that there is one, and none came. */
    MISSING
}
