package org.imsg.privsep;

import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Predicate;
import java.util.function.UnaryOperator;
import org.imsg.Imsg;
import org.imsg.privsep.rights.Ids;
import org.jspecify.annotations.Nullable;

/**
 * How processes of a role are started when they are asked for: a process per connection, as OpenSSH has it, or one that serves several,
 * as Postfix has it. Set inside the call to {@link RoleSettings#onDemand(UnaryOperator)}.
 *
 * <p>Some spares are started and confined beforehand and have rehearsed a request, so that a request waits for no JVM. A process
 * that has ended, or serves a request, is replaced in the background. A process that ends before it was given any request makes the next
 * start wait, for a second at first and twice the time after each further one, up to a minute.
 */
public final class OnDemand {
    private static final int MOST_PROCESSES = 1000;
    private static final int MOST = 1_000_000;
    private static final int MOST_REHEARSED = 4096;
    private static final Duration LONGEST = Duration.ofDays(1);

    private final Set<String> askers = new TreeSet<>();
    private int limit = 100;
    private int spares = 1;
    private int uses = 1;
    private int waiting = 100;
    private int rehearsals = 1;
    private byte[] rehearsedPayload = {};
    private byte[] rehearsedInput = {};
    private Duration idle = Duration.ofMinutes(1);
    private Duration time = LONGEST;
    private @Nullable Predicate<Ids> allowed;
    private boolean rootToo;

    OnDemand() {}

    /**
     * Sets how many processes of the role there are at most, spares included. 100 unless set.
     *
     * @param processes 1 to 1000
     * @return this
     * @throws IllegalArgumentException if it is out of range
     */
    public OnDemand limit(int processes) {
        limit = within("processes of a role", processes, 1, MOST_PROCESSES);
        return this;
    }

    /**
     * Sets how many processes wait for a request beforehand. 1 unless set.
     *
     * @param processes 0 to 1000; no more than the {@link #limit(int)} are started
     * @return this
     * @throws IllegalArgumentException if it is out of range
     */
    public OnDemand spares(int processes) {
        spares = within("spares", processes, 0, MOST_PROCESSES);
        return this;
    }

    /**
     * Sets how many requests a process serves, one after the other, until it is ended. 1 unless set: what one request did to a
     * process, the next one does not meet.
     *
     * @param requests 1 to 1000000
     * @return this
     * @throws IllegalArgumentException if it is out of range
     */
    public OnDemand uses(int requests) {
        uses = within("requests of a process", requests, 1, MOST);
        return this;
    }

    /**
     * Sets how many requests wait for a process at a time, from all askers; others are refused. 100 unless set.
     *
     * @param requests 0 to 1000000
     * @return this
     * @throws IllegalArgumentException if it is out of range
     */
    public OnDemand waiting(int requests) {
        waiting = within("requests that wait", requests, 0, MOST);
        return this;
    }

    /**
     * Sets how long a process without a request is kept, if there are more of them than {@link #spares(int)}. A minute unless set.
     *
     * @param most more than 0 and at most a day
     * @return this
     * @throws IllegalArgumentException if it is out of range
     */
    public OnDemand idle(Duration most) {
        idle = within("idle time", most);
        return this;
    }

    /**
     * Sets how long a request may take: a process that has not served it by then is killed. A day unless set.
     *
     * @param most more than 0 and at most a day
     * @return this
     * @throws IllegalArgumentException if it is out of range
     */
    public OnDemand time(Duration most) {
        time = within("time for a request", most);
        return this;
    }

    /**
     * Sets what a process rehearses before its first request, see {@link Role#rehearse(RoleProcess, Imsg)}. Once, with nothing, unless set.
     *
     * @param times how often, 1 to 1000. The first time loads classes; code that has run some hundred times is compiled. All together
     *     have the time of {@link Deadlines#ready()}, and a request that finds no spare waits for them too
     * @param payload the payload of each request, copied; at most 4096 bytes
     * @param input what can be read from its connection before the end, copied; at most 4096 bytes
     * @return this
     * @throws IllegalArgumentException if one of them is out of range
     */
    public OnDemand rehearsal(int times, byte[] payload, byte[] input) {
        rehearsals = within("rehearsals", times, 1, 1000);
        within("bytes of a payload", payload.length, 0, MOST_REHEARSED);
        within("bytes of an input", input.length, 0, MOST_REHEARSED);
        rehearsedPayload = payload.clone();
        rehearsedInput = input.clone();
        return this;
    }

    /**
     * Lets processes of other roles ask for one, and connects them with all of this role. The parent may ask in any case. If several
     * processes may ask, one of them is served by at most half of the {@link #limit(int)} at a time, and has at most half of the
     * {@linkplain #waiting(int) waiting} requests.
     *
     * @param roles their names
     * @return this
     */
    public OnDemand askedBy(String... roles) {
        askers.addAll(List.of(roles));
        return this;
    }

    /**
     * Starts each process under the ids that {@link ParentProcess#requestAs(String, Ids, Imsg, Duration)} names, which are known when a user has logged in: privman's
     * rerunas. There are no spares then, for a spare would have to keep the right to become anyone; a process with further uses is given
     * requests of the same ids only. The role has no {@link RoleSettings#user(String)}.
     *
     * @param permitted whether a process may have the ids; asked in the parent only. Ids with uid, gid or a group of 0 are refused
     *     without asking, unless {@link #rootToo()} was said
     * @return this
     */
    public OnDemand startAs(Predicate<Ids> permitted) {
        allowed = Objects.requireNonNull(permitted);
        return this;
    }

    /**
     * Lets {@link #startAs(Predicate)} permit ids with a uid, gid or group of 0 too.
     *
     * @return this
     */
    public OnDemand rootToo() {
        rootToo = true;
        return this;
    }

    boolean startsAs() {
        return allowed != null;
    }

    boolean permits(Ids ids) {
        boolean root = ids.uid() == 0 || ids.gid() == 0 || ids.groups().contains(0L);
        return (rootToo || !root) && allowed.test(ids);
    }

    private static int within(String what, int value, int least, int most) {
        if (value < least || value > most)
            throw new IllegalArgumentException(what + " are " + least + " to " + most + ", not " + value);
        return value;
    }

    private static Duration within(String what, Duration value) {
        if (!value.isPositive() || value.compareTo(LONGEST) > 0)
            throw new IllegalArgumentException(
                    "the " + what + " is more than 0 and at most " + LONGEST + ", not " + value);
        return value;
    }

    int limit() {
        return limit;
    }

    int spares() {
        return startsAs() ? 0 : spares;
    }

    int rehearsals() {
        return rehearsals;
    }

    byte[] rehearsedPayload() {
        return rehearsedPayload;
    }

    byte[] rehearsedInput() {
        return rehearsedInput;
    }

    int uses() {
        return uses;
    }

    int waiting() {
        return waiting;
    }

    Duration idle() {
        return idle;
    }

    Duration time() {
        return time;
    }

    Set<String> askers() {
        return askers;
    }
}
