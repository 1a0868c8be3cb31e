package org.imsg.peers.bgpd;

import java.util.Locale;

/** How bgpd ends a request that is not answered by data; the ordinal is bgpd's own number. */
public enum Result {
    /** Done. */
    OK,
    /** There is no such neighbor. */
    NO_SUCH_PEER,
    /** This socket is for questions only. */
    DENIED,
    /** The neighbor lacks the capability. */
    NO_CAPABILITY,
    /** The configuration has errors. */
    PARSE_ERROR,
    /** A reload is under way. */
    PENDING,
    /** There is no memory. */
    NO_MEMORY,
    /** The neighbor is not one this can be done with. */
    BAD_PEER,
    /** The session is not in a state this can be done in. */
    BAD_STATE,
    /** There is no such routing table. */
    NO_SUCH_RIB,
    /** The operation is not possible. */
    NOT_SUPPORTED;

    static Result of(long number) {
        if (number < 0 || number >= values().length)
            throw new IllegalArgumentException("result " + number + ": 0 to " + (values().length - 1));
        return values()[(int) number];
    }

    /** For people. */
    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT).replace('_', ' ');
    }
}
