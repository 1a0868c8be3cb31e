package org.imsg.privsep.ops;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Objects;
import org.imsg.ImsgChannel;

/**
 * The half of a program that keeps its rights, and does for its children what the {@link Policy} allows. A child asks through a
 * {@link Privileged} on the other end of the channel.
 *
 * {@snippet file = "org/imsg/privsep/ops/OperationsSnippets.java" region = "monitor"}
 *
 * <p>What a policy does not allow is refused and logged, by System.Logger under this class's name, with the rule that came
 * nearest. Each child is served for itself: its {@link Limits} are its own, a slow request or a program that runs is in nobody's
 * way, and a child that sends what is no request, too much, or does not read its answers, is dropped, and logged too.
 *
 * <p>Thread-safe. One monitor serves any number of children, and a uid is never in use twice among them; two monitors with the
 * same uids in their policies would not know of each other.
 */
public final class Monitor {
    private final Policy policy;
    private final Limits limits;
    private final TimeSource time;
    private final Operations operations;
    private final Programs programs;

    private Monitor(Builder builder) {
        policy = builder.policy;
        limits = builder.limits;
        time = builder.time;
        operations = new Operations(builder.beneath, new NameFiles(builder.names), builder.clock);
        programs = new Programs(builder.beneath, builder.launcher);
    }

    /**
     * A monitor with the machine's clock and the usual limits.
     *
     * @param policy what it allows
     * @return the monitor
     */
    public static Monitor of(Policy policy) {
        return builder(policy).build();
    }

    /**
     * Begins to describe a monitor.
     *
     * @param policy what it allows
     * @return what to set the rest on
     */
    public static Builder builder(Policy policy) {
        return new Builder(Objects.requireNonNull(policy));
    }

    /** How a monitor is to be; not safe for two threads at once. */
    public static final class Builder {
        private final Policy policy;
        private Limits limits = Limits.USUAL;
        private TimeSource time = TimeSource.SYSTEM;
        private SystemClock clock = SystemClock.host();
        private Path names = Path.of("/etc");
        private Beneath beneath = Beneath.best();
        private Programs.Launcher launcher = ConfinedLauncher::start;

        private Builder(Policy policy) {
            this.policy = policy;
        }

        /**
         * Sets how much of the monitor each child can have.
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
         * Sets where the files services, rpc and ethers are: /etc unless set.
         *
         * @param directory the directory
         * @return this
         */
        public Builder names(Path directory) {
            names = Objects.requireNonNull(directory);
            return this;
        }

        /** How paths are resolved, where the tests do not want the better way. */
        Builder beneath(Beneath way) {
            beneath = way;
            return this;
        }

        /** How programs are started under another user. */
        Builder launcher(Programs.Launcher starts) {
            launcher = starts;
            return this;
        }

        /**
         * The monitor.
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
     * @param name what the child is called in the log
     * @throws IOException if what comes are no messages, an {@link org.imsg.ImsgProtocolException}, the stream ends
     *     inside one, an {@link org.imsg.ImsgEofException}, or the channel was closed; the child is gone then too
     */
    public void serve(ImsgChannel channel, String name) throws IOException {
        new Session(this, channel, name, limits).run();
    }

    Policy policy() {
        return policy;
    }

    TimeSource time() {
        return time;
    }

    Operations operations() {
        return operations;
    }

    Programs programs() {
        return programs;
    }
}
