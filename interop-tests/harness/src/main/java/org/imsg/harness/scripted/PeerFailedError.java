package org.imsg.harness.scripted;

import org.jspecify.annotations.Nullable;

/**
 * A peer did not get what it expects, or its script failed otherwise. The message shows the script beside what passed.
 */
public final class PeerFailedError extends AssertionError {
    private static final long serialVersionUID = 1;

    private final transient Thread thread;
    /** Whether it failed by itself. */
    private final boolean certain;

    PeerFailedError(String message, @Nullable Throwable cause, Thread thread, boolean certain) {
        super(message, cause);
        this.thread = thread;
        this.certain = certain;
    }

    /** {@return the thread in which it failed} */
    public Thread thread() {
        return thread;
    }

    /**
     * Tells whether the peer failed by itself.
     *
     * @return false if it still waits, or the other side had left: that side may have failed first
     */
    public boolean isCertain() {
        return certain;
    }
}
