package org.imsg.peers.bgpd;

import org.imsg.peers.RefusedException;

/** bgpd answered a request by refusing it. The connection is as good as before. */
public final class BgpdRefusedException extends RefusedException {
    private static final long serialVersionUID = 1L;

    /** Why. */
    private final Result result;

    BgpdRefusedException(String request, Result result) {
        super("bgpd refused " + request + ": " + result);
        this.result = result;
    }

    /**
     * Why it was refused.
     *
     * @return not {@link Result#OK}
     */
    public Result result() {
        return result;
    }
}
