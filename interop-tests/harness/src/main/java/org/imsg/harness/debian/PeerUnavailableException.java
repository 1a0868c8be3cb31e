package org.imsg.harness.debian;

/**
 * A real peer cannot be had on this machine. The message is one sentence that says why, fit for a list of skipped
 * tests. It says nothing about the program under test.
 */
public final class PeerUnavailableException extends Exception {
    private static final long serialVersionUID = 1;

    /**
     * Makes one.
     *
     * @param reason one sentence, without a final period
     */
    public PeerUnavailableException(String reason) {
        super(reason);
    }

    /**
     * Makes one that another failure led to.
     *
     * @param reason one sentence, without a final period
     * @param cause what failed
     */
    public PeerUnavailableException(String reason, Throwable cause) {
        super(reason, cause);
    }
}
