package org.imsg.privsep;

import java.util.Locale;
import java.util.Objects;
import org.imsg.privsep.rights.Ids;
import org.jspecify.annotations.Nullable;

/** One process of a role as the parent keeps it, through all its lives. Used by the supervising thread only. */
final class Instance {
    static final int SIGTERM = 15;
    static final int SIGKILL = 9;

    /** The event that the parent waits for. */
    enum State {
        /** A request: there is no process. */
        ABSENT,
        /** The time of its next start. */
        WAITING,
        /** Its word that it is confined. */
        STARTING,
        /** The others. */
        READY,
        /** Its end, which no one asked for, or its next request. */
        RUNNING,
        /** Its end, which was asked for. */
        ENDING,
        /** The finish hook. */
        FINISHING,
        /** Nothing any more. */
        GONE
    }

    final RoleSettings role;
    final int number;
    final Backoff backoff;
    State state = State.WAITING;
    /** When the wait is over, in nanoseconds since something; without meaning for READY and GONE, and for RUNNING but on demand. */
    long deadline;
    /** The last means tried to end it: 0 the end of its channel, 15, 9. */
    int signalled;
    /** It will be started again though it was told to end. */
    boolean reexecute;
    /** The configuration changed while it was being started. */
    boolean reloadMissed;
    /** The starts so far. */
    long starts;
    /** When the last was. */
    long startedAt;
    /** It was told to end; kept until it has. */
    boolean toldToEnd;
    /** Its role is down: no process is started. */
    boolean down;

    /** It serves a request, or rehearses one; always false but on demand. */
    boolean busy;
    /** The process that asked for the request it serves or served last; null if the parent did. */
    @Nullable
    Object servesFor;
    /** The user this process is started as, if its requests say so; else null. */
    @Nullable
    Ids ids;
    /** The requests that this process was given. */
    int uses;
    /** How often it has been told to rehearse one. */
    int rehearsals;

    Instance(RoleSettings role, int number, Backoff backoff) {
        this.role = role;
        this.number = number;
        this.backoff = backoff;
    }

    /** The state in a word for people. */
    String stateWord() {
        return switch (state) {
            case ABSENT, GONE -> down ? "down" : state == State.ABSENT ? "absent" : "ended";
            case RUNNING -> isOnDemand() ? busy ? "serving" : "spare" : "running";
            default -> state.name().toLowerCase(Locale.ROOT);
        };
    }

    boolean isOnDemand() {
        return role.onDemand().isPresent();
    }

    /** It can be given a request. */
    boolean isIdle() {
        return state == State.RUNNING && isOnDemand() && !busy;
    }

    /** It can be given that request. */
    boolean isFreeFor(Request request) {
        return isIdle() && Objects.equals(ids, request.ids);
    }

    /** It ends, or has just ended, and would have no successor. */
    boolean isLeaving() {
        return role.afterEnd() == AfterEnd.GO_ON && (state == State.ENDING || state == State.FINISHING);
    }

    /** There is a process. */
    boolean isAlive() {
        return switch (state) {
            case STARTING, READY, RUNNING, ENDING -> true;
            case ABSENT, WAITING, FINISHING, GONE -> false;
        };
    }

    /** Whether its deadline counts. */
    boolean isTimed() {
        return switch (state) {
            case WAITING, STARTING, FINISHING -> true;
            case ENDING -> signalled != SIGKILL;
            case RUNNING -> isOnDemand();
            case ABSENT, READY, GONE -> false;
        };
    }

    @Override
    public String toString() {
        return Peer.name(role.name(), number);
    }
}
