package org.imsg.privsep.ops;

/** The verdict of one rule on one request: allowed, not concerned, or an objection. */
record Verdict(Kind kind, String objection) {
    enum Kind {
        ALLOWED, NOT_CONCERNED, OBJECTED
    }

    static final Verdict ALLOWED = new Verdict(Kind.ALLOWED, "");
    static final Verdict NOT_CONCERNED = new Verdict(Kind.NOT_CONCERNED, "");

    static Verdict modeObjection(int allowed, int asked) {
        return objection(String.format("allows a mode of 0%o, not of 0%o", allowed, asked));
    }

    static Verdict objection(String why) {
        return new Verdict(Kind.OBJECTED, why);
    }
}
