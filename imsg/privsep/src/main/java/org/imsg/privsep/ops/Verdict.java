package org.imsg.privsep.ops;

/** What one rule says of one request: allowed, not its business, or an objection. */
record Verdict(Kind kind, String objection) {
    enum Kind {
        ALLOWED, NOT_CONCERNED, OBJECTED
    }

    static final Verdict ALLOWED = new Verdict(Kind.ALLOWED, "");
    static final Verdict NOT_CONCERNED = new Verdict(Kind.NOT_CONCERNED, "");

    static Verdict objection(String why) {
        return new Verdict(Kind.OBJECTED, why);
    }
}
