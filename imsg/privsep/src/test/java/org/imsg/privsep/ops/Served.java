package org.imsg.privsep.ops;

import java.io.IOException;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.UnaryOperator;
import org.imsg.WireFormat;
import org.imsg.testing.Call;
import org.imsg.ImsgChannel;

/** A child's end of a channel, and a monitor that serves the other in a thread of its own. */
final class Served implements AutoCloseable {
    final ImsgChannel channel;
    final LongAdder refusals;
    private final Call<IOException> serving;

    private Served(ImsgChannel channel, LongAdder refusals, Call<IOException> serving) {
        this.channel = channel;
        this.refusals = refusals;
        this.serving = serving;
    }

    static Served by(Monitor monitor, String name) throws IOException {
        ImsgChannel.Pair pair = ImsgChannel.pair();
        LongAdder refusals = new LongAdder();
        return new Served(pair.first().format(WireFormat.MODERN).allowFdPassing(), refusals,
                Call.start(Call.On.VIRTUAL, () -> {
                    try {
                        monitor.serve(pair.second(), name, refusals, _ -> {});
                        return null;
                    } catch (IOException e) {
                        return e;
                    }
                }));
    }

    static Served by(Policy policy) throws IOException {
        return by(Monitor.of(policy), "child");
    }

    static Served by(Policy policy, UnaryOperator<Monitor.Builder> settings) throws IOException {
        return by(settings.apply(Monitor.builder(policy)).build(), "child");
    }

    Privileged privileged() {
        return Privileged.over(channel);
    }

    /** Waits until the monitor is done with the child; what it threw, or null. */
    IOException end() throws Exception {
        return serving.result();
    }

    @Override
    public void close() throws IOException {
        channel.close();
        try {
            serving.result();
        } catch (Exception e) {
            throw new IOException(e);
        }
    }
}
