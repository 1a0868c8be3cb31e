package org.imsg.privsep.ops;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Consumer;
import java.util.Optional;
import java.util.concurrent.ThreadFactory;
import org.imsg.ImsgChannel;
import org.imsg.privsep.rights.ControlGroups;
import org.jspecify.annotations.Nullable;

/**
 * Serves the children of a program in the half that keeps its rights, as the {@link Policy} allows. A child asks through a
 * {@link Privileged} on the other end of the channel.
 *
 * {@snippet file = "org/imsg/privsep/ops/OperationsSnippets.java" region = "monitor"}
 *
 * <p>A request that the policy does not allow is refused and logged, by System.Logger under this class's name, with the rule that
 * came nearest. Each child has {@link Limits} of its own, and its slow requests and programs hold up no other child. A child that
 * asks too fast is slowed; one that sends messages that are no requests, or does not read its answers, is dropped and logged.
 *
 * <p>Thread-safe. One monitor serves any number of children, and a uid is never in use twice among them, nor among those of other
 * monitors of this process. Two processes with the same uids in their policies would not know of each other.
 */
public final class Monitor {
    private volatile Policy policy;
    private final Limits limits;
    private final TimeSource time;
    private final Host host;
    private final Map<Outcome, LongAdder> ended = new EnumMap<>(Outcome.class);

    private Monitor(Builder builder) {
        Arrays.stream(Outcome.values()).forEach(each -> ended.put(each, new LongAdder()));
        policy = builder.policy;
        limits = builder.limits;
        time = builder.time;
        host = new Host(builder.beneath, new NameFiles(builder.names), builder.pam, builder.clock, builder.launcher,
                new UserPool(), Optional.ofNullable(builder.groups), builder.threads);
    }

    /**
     * Makes a monitor with the machine's clock and the usual limits.
     *
     * @param policy the rules
     * @return the monitor
     */
    public static Monitor of(Policy policy) {
        return builder(policy).build();
    }

    /**
     * Begins to describe a monitor.
     *
     * @param policy the rules
     * @return a builder with the usual settings
     */
    public static Builder builder(Policy policy) {
        return new Builder(Objects.requireNonNull(policy));
    }

    /** Describes a monitor; not safe for two threads at once. */
    public static final class Builder {
        private final Policy policy;
        private Limits limits = Limits.USUAL;
        private TimeSource time = TimeSource.SYSTEM;
        private SystemClock clock = SystemClock.host();
        private Path names = Path.of("/etc");
        private String pam = "";
        private Beneath beneath = Beneath.best();
        private @Nullable ControlGroups groups;
        private ThreadFactory threads = Thread.ofPlatform().daemon().factory();
        private Host.Launcher launcher = (program, confinement) -> confinement.spawn(program);

        private Builder(Policy policy) {
            this.policy = policy;
        }

        /**
         * Sets the share of the monitor that each child can have.
         *
         * @param each the limits
         * @return this
         */
        public Builder limits(Limits each) {
            limits = Objects.requireNonNull(each);
            return this;
        }

        /**
         * Sets the time that rates are measured with.
         *
         * @param source the time
         * @return this
         */
        public Builder time(TimeSource source) {
            time = Objects.requireNonNull(source);
            return this;
        }

        /**
         * Sets the clock that a child may set.
         *
         * @param adjustable the clock
         * @return this
         */
        public Builder clock(SystemClock adjustable) {
            clock = Objects.requireNonNull(adjustable);
            return this;
        }

        /**
         * Sets the directory of the files services, protocols, rpc and ethers: /etc unless set.
         *
         * @param directory the directory
         * @return this
         */
        public Builder names(Path directory) {
            names = Objects.requireNonNull(directory);
            return this;
        }

        /**
         * Gives each program that is run a control group of its own. All that is left in it is killed in one call when the program
         * ends, and its line may limit what its processes use together.
         *
         * @param directory where, the program's alone; null for none, as it is unless set
         * @return this
         */
        public Builder controlGroups(@Nullable ControlGroups directory) {
            groups = directory;
            return this;
        }

        /** Sets the directory of PAM's configuration, for tests with services of their own. */
        Builder pam(Path directory) {
            pam = directory.toString();
            return this;
        }

        /** Sets how paths are resolved, for tests of the other way. */
        Builder beneath(Beneath way) {
            beneath = way;
            return this;
        }

        /** Sets where its threads come from. */
        Builder threads(ThreadFactory makes) {
            threads = makes;
            return this;
        }

        /** Sets how programs are started under another user. */
        Builder launcher(Host.Launcher starts) {
            launcher = starts;
            return this;
        }

        /**
         * Makes the monitor.
         *
         * @return a monitor, with no child yet
         */
        public Monitor build() {
            return new Monitor(this);
        }
    }

    /**
     * Serves a child, in this thread, until it has closed its end or is dropped. When this returns, the programs it ran are
     * gone, and so are all processes of uids they had to themselves.
     *
     * @param channel the parent's end of the child's channel, the monitor's then; descriptors are allowed on it here
     * @param name the child's name in the log
     * @throws IOException if the child passes its limits, a {@link ChildDroppedException}, sends bytes that are no messages, an
     *     {@link org.imsg.ImsgProtocolException}, the stream ends inside one, an {@link org.imsg.ImsgEofException}, or the channel was closed; the child is gone then too
     */
    public void serve(ImsgChannel channel, String name) throws IOException {
        serve(channel, name, new LongAdder(), _ -> {});
    }

    /**
     * As {@link #serve(ImsgChannel, String)}, and tells what became of the requests.
     *
     * @param channel as there
     * @param name as there
     * @param refusals counts what is refused
     * @param authenticated is told each user whose password the child has shown, before the child is
     * @throws IOException as there
     */
    public void serve(ImsgChannel channel, String name, LongAdder refusals, Consumer<String> authenticated)
            throws IOException {
        // A session that no thread can be had for has not begun.
        try (channel) {
            new Session(channel, name, host, () -> policy, limits, time, refusals, authenticated, ended).run();
        }
    }

    /**
     * How the requests of all children have ended so far.
     *
     * @param allowed done as the policy allows, whatever the answer tells: a wrong password, too, is an answer
     * @param refused not allowed
     * @param failed allowed, and not possible
     * @param expired not done in time
     */
    public record Counters(long allowed, long refused, long failed, long expired) {}

    /**
     * Returns the counters, for programs that watch themselves.
     *
     * @return the numbers of this moment
     */
    public Counters counters() {
        return new Counters(count(Outcome.ALLOWED), count(Outcome.REFUSED), count(Outcome.FAILED),
                count(Outcome.EXPIRED));
    }

    private long count(Outcome how) {
        return ended.get(how).sum();
    }

    /**
     * Replaces the rules, for all requests that are taken from now on. A program that runs already keeps the rule it has.
     *
     * @param next the new rules; the user and the root of a child that is served already stay
     */
    public void policy(Policy next) {
        policy = Objects.requireNonNull(next);
    }
}
