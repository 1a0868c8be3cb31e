package org.imsg.privsep;

/** The fate of the program when a child ends without having been told to. */
public enum AfterEnd {
    /** The whole program stops, as with OpenBSD's proc.c; {@link Privsep#run(String...)} returns 1. The default. */
    STOP_PROGRAM,
    /** The child is started again, and connected again to every process it was connected to. */
    RESTART,
    /** The others go on without it. */
    GO_ON
}
