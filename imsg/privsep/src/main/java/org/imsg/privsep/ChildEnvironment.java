package org.imsg.privsep;

/** The variables of its environment, and the descriptor, that tell a process which child of which program it is. */
final class ChildEnvironment {
    static final String PROGRAM = "IMSG_PROGRAM";
    static final String ROLE = "IMSG_ROLE";
    static final String INSTANCE = "IMSG_INSTANCE";
    /** Set in a child that is confined only as far as its parent, which is not root, could. */
    static final String PARTIAL = "IMSG_PARTIAL";
    /** The child's root directory, which a policy may name that the child cannot read. */
    static final String CHROOT = "IMSG_CHROOT";
    /** Set in a child of a training run, which must be able to write a cache. */
    static final String TRAINING = "IMSG_TRAINING";
    /** The descriptor of the channel to the parent. */
    static final int CHANNEL = 3;

    private ChildEnvironment() {}

    /** Whether this process is a child of some program. */
    static boolean isHere() {
        return System.getenv(PROGRAM) != null && System.getenv(ROLE) != null;
    }
}
