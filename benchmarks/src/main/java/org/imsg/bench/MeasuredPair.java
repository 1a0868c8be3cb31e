package org.imsg.bench;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.IntBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import org.HdrHistogram.Histogram;
import org.imsg.unix.Fd;

/** Two running processes of one contender, joined by a socket, and how much they do in a window. */
final class MeasuredPair implements AutoCloseable {

    private final Contender contender;
    private final ContenderGroup group;
    private final Path samples;
    private final Path meeting;
    private final WorkerProcess first;
    private final WorkerProcess second;
    /** Messages, or round trips, of the next window. */
    private long count;

    MeasuredPair(Contender contender, ContenderGroup group, Path scratch) throws IOException {
        this.contender = contender;
        this.group = group;
        samples = scratch.resolve(contender.name() + ".samples");
        meeting = scratch.resolve(contender.name() + ".sock");
        count = group.roundTrips() ? 200 : 1000;
        Files.deleteIfExists(meeting);
        try (Fd.Pair sockets = Fd.socketpair()) {
            // The second end first: where they meet at a path, it listens.
            second = start(group.roundTrips() ? "pong" : "receive", group.pinning().second(), sockets.second());
            try {
                first = start(group.roundTrips() ? "ping" : "send", group.pinning().first(), sockets.first());
            } catch (IOException e) {
                second.close();
                throw e;
            }
        }
    }

    private WorkerProcess start(String role, int processor, Fd socket) throws IOException {
        List<String> options = new ArrayList<>(group.load().options());
        if (!contender.inherits())
            options.addAll(List.of("-a", meeting.toString()));
        if (role.equals("ping"))
            options.addAll(List.of("-p", samples.toString()));
        return new WorkerProcess(group.pinning().bind(processor, contender.commandLine(options, role)),
                contender.inherits() ? socket : null);
    }

    /** What both ends said after a window, and how long it took from the first message sent to the last one received. */
    private record Answers(Map<String, Long> first, Map<String, Long> second, boolean roundTrips) {
        double seconds() {
            long end = roundTrips ? first.get("end") : second.get("end");
            return (end - first.get("start")) / 1e9;
        }

        double both(String name) {
            return first.getOrDefault(name, 0L) + second.getOrDefault(name, 0L);
        }
    }

    private Answers run(long intervalNanos) throws IOException {
        String command = count + (intervalNanos > 0 ? " " + intervalNanos : "");
        second.tell(command);
        first.tell(command);
        Answers answers = new Answers(first.answer(), second.answer(), group.roundTrips());
        if (!group.roundTrips())
            check(answers.second());
        return answers;
    }

    /** Refuses a contender that is fast because it left something out. */
    private void check(Map<String, Long> received) throws IOException {
        long sum = contender.seen().sum(count, group.load().size());
        if (received.get("messages") != count || received.get("sum") != sum
                || received.get("descriptors") != group.load().descriptors(count))
            throw new IOException(contender.name() + " was sent " + count + " messages, of sum " + sum + ", with "
                    + group.load().descriptors(count) + " descriptors, and received " + received);
    }

    /** Runs for that long without keeping results, and learns how many messages a window takes. */
    void warmUp(double seconds, double window) throws IOException {
        for (double spent = 0; spent < seconds;) {
            double elapsed = run(0).seconds();
            spent += elapsed;
            // By steps: how fast a first run is says little about a warm one.
            count = Math.max(100, (long) (count * Math.min(4, window / elapsed)));
        }
    }

    /** One window; its round trips are added to the histogram. */
    Map<Metric, Double> measure(Histogram all) throws IOException {
        Answers answers = run(group.intervalNanos());
        Map<Metric, Double> values = new EnumMap<>(Metric.class);
        values.put(Metric.RATE, count / answers.seconds());
        values.put(Metric.SEND_CPU, (double) answers.first().get("cpu") / count);
        values.put(Metric.RECEIVE_CPU, (double) answers.second().get("cpu") / count);
        if (answers.first().containsKey("allocated"))
            values.put(Metric.ALLOCATED, answers.both("allocated") / count);
        if (answers.second().containsKey("allocated"))
            values.put(Metric.RECEIVE_ALLOCATED, (double) answers.second().get("allocated") / count);
        if (group.roundTrips())
            addPercentiles(values, all);
        return values;
    }

    private void addPercentiles(Map<Metric, Double> values, Histogram all) throws IOException {
        Histogram window = Series.histogram();
        IntBuffer times = ByteBuffer.wrap(Files.readAllBytes(samples)).order(ByteOrder.nativeOrder()).asIntBuffer();
        while (times.hasRemaining())
            window.recordValue(Integer.toUnsignedLong(times.get()));
        values.put(Metric.P50, (double) window.getValueAtPercentile(50));
        values.put(Metric.P99, (double) window.getValueAtPercentile(99));
        values.put(Metric.P999, (double) window.getValueAtPercentile(99.9));
        all.add(window);
    }

    @Override
    public void close() throws IOException {
        try (first; second) {
            Files.deleteIfExists(samples);
            Files.deleteIfExists(meeting);
        }
    }
}
