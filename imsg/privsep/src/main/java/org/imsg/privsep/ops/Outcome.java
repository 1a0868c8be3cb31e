package org.imsg.privsep.ops;

/** How a request of a child ends. */
enum Outcome {
    /** The policy allows it, and it was done. */
    ALLOWED,
    /** The policy does not allow it. */
    REFUSED,
    /** The policy allows it, and it failed. */
    FAILED,
    /** It was not done in time. */
    EXPIRED
}
