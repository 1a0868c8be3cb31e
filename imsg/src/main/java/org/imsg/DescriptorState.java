package org.imsg;

/** What became of the descriptor of a message. */
public enum DescriptorState {
    /** The message has none, and its header says so. */
    NONE,
    /** It can be taken; otherwise it is closed with the message. */
    PRESENT,
    /** It was taken. */
    TAKEN,
    /**
     * The sender passed one and the kernel did not deliver it (MSG_CTRUNC): the descriptor table of this process is full, or
     * the channel does not allow descriptors.
     */
    LOST,
    /** The header announces one, and none came. */
    MISSING
}
