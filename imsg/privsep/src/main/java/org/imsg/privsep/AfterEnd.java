package org.imsg.privsep;

/** What becomes of the program when a child ends that was not told to. */
public enum AfterEnd {
    /** The whole program stops, as with OpenBSD's proc.c; {@link Privsep#run} returns 1. The default. */
    STOP_PROGRAM,
    /** The child is started again, and connected again to everybody it was connected to. */
    RESTART,
    /** The others go on without it. */
    GO_ON
}
