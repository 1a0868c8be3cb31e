package org.imsg.privsep.ops;

import java.io.IOException;

/** The monitor's policy does not allow a request. The message says which rule refused, or that there is none. */
public final class RefusedException extends IOException {
    private static final long serialVersionUID = 1L;

    /** The rule with its file and line. */
    private final String rule;
    /** Why it does not allow the request. */
    private final String reason;

    /**
     * Makes a refusal.
     *
     * @param rule the rule that came nearest, with its file and line; empty if no rule comes near
     * @param reason the reason
     */
    public RefusedException(String rule, String reason) {
        super(rule.isEmpty() ? reason : reason + " (" + rule + ")");
        this.rule = rule;
        this.reason = reason;
    }

    /**
     * Returns the rule that refused.
     *
     * @return such as {@code /etc/builds.policy:3: open read /srv/}; empty if no rule comes near
     */
    public String rule() {
        return rule;
    }

    /**
     * Returns the reason.
     *
     * @return the message without the rule
     */
    public String reason() {
        return reason;
    }
}
