package org.imsg.bench;

import java.io.IOException;
import java.nio.file.Path;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.imsg.ImsgChannel;
import org.imsg.harness.debian.Bgpd;
import org.imsg.harness.debian.ChrootOutcome;
import org.imsg.harness.debian.DebianChroot;
import org.imsg.harness.debian.DebianSuite;
import org.imsg.harness.debian.PeerUnavailableException;

/**
 * A real bgpd tells all its routes: to a Java program that makes a record of each, and to bgpctl, which prints them to /dev/null.
 *
 * @param routes how many
 */
public record RouteDump(int routes) implements Measurement {
    /** OpenBGPD's own client. */
    static final String BGPCTL = "bgpctl";
    /** Ours in a new JVM each time, its start in the time. */
    static final String COLD = Contenders.OURS + "-jvm-start";

    private static final long AS = 65001;
    /** A neighbor that does not answer. Without any neighbor bgpd 7.7 tells no routes. */
    private static final Bgpd.ConfiguredNeighbor NEIGHBOR = new Bgpd.ConfiguredNeighbor("127.0.0.2", 65002, "nobody");

    @Override
    public String name() {
        return "routes-" + routes;
    }

    @Override
    public String sent() {
        return routes + " routes from bgpd 7.7 of Debian 12, each a message of 280 B";
    }

    @Override
    public String where() {
        return "not pinned: bgpd has three processes";
    }

    @Override
    public Map<String, Series> measure(Effort effort, Path scratch, Consumer<String> progress)
            throws IOException, InterruptedException {
        try {
            DebianChroot chroot = DebianChroot.of(DebianSuite.BOOKWORM);
            progress.accept(name() + ": filling bgpd");
            try (Bgpd bgpd = Bgpd.start(chroot, AS, List.of(NEIGHBOR))) {
                try (ImsgChannel control = ImsgChannel.connect(bgpd.socket())) {
                    BgpdRoutes.add(control, routes);
                }
                return measure(bgpd, effort, progress);
            }
        } catch (PeerUnavailableException e) {
            progress.accept("WITHOUT " + name() + ": " + e.getMessage());
            return Map.of();
        }
    }

    private Map<String, Series> measure(Bgpd bgpd, Effort effort, Consumer<String> progress)
            throws IOException, InterruptedException {
        Map<String, Series> series = new LinkedHashMap<>();
        List.of(Contenders.OURS, BGPCTL, COLD).forEach(name -> series.put(name, new Series()));
        progress.accept(name() + ": warming up");
        checkBgpctl(bgpd);
        try (WorkerProcess ours = worker(bgpd)) {
            for (double spent = 0; spent < effort.warmUpSeconds();)
                spent += dump(ours);
            for (int i = 1; i <= effort.pairs(); i++) {
                progress.accept(name() + ": dump " + i + "/" + effort.pairs());
                add(series, Contenders.OURS, dump(ours));
                add(series, BGPCTL, bgpctl(bgpd));
                add(series, COLD, cold(bgpd));
            }
        }
        return series;
    }

    private void add(Map<String, Series> series, String contender, double seconds) {
        series.get(contender).add(new EnumMap<>(Map.of(Metric.RATE, routes / seconds)));
    }

    private static WorkerProcess worker(Bgpd bgpd) throws IOException {
        List<String> command = Jvm.worker();
        command.addAll(List.of("routes", "-a", bgpd.socket().toString(), "receive"));
        return new WorkerProcess(command, null);
    }

    private double dump(WorkerProcess ours) throws IOException {
        ours.tell("" + routes);
        Map<String, Long> answer = ours.answer();
        if (answer.get("messages") != routes || answer.get("sum") != routes * (routes - 1L) / 2)
            throw new IOException("bgpd has " + routes + " routes and told " + answer);
        return (answer.get("end") - answer.get("start")) / 1e9;
    }

    private double cold(Bgpd bgpd) throws IOException {
        long start = System.nanoTime();
        try (WorkerProcess once = worker(bgpd)) {
            dump(once);
        }
        return (System.nanoTime() - start) / 1e9;
    }

    /** The time is taken in the chroot: to get there is not bgpctl's work. */
    private static double bgpctl(Bgpd bgpd) throws IOException, InterruptedException {
        return Long.parseLong(shell(bgpd,
                "from=$(date +%s%N); bgpctl show rib >/dev/null && echo $(($(date +%s%N) - from))")) / 1e9;
    }

    private void checkBgpctl(Bgpd bgpd) throws IOException, InterruptedException {
        long lines = Long.parseLong(shell(bgpd, "bgpctl show rib | grep -c '/" + BgpdRoutes.PREFIX_LENGTH + "'"));
        if (lines != routes)
            throw new IOException("bgpd has " + routes + " routes and bgpctl printed " + lines);
    }

    private static String shell(Bgpd bgpd, String line) throws IOException, InterruptedException {
        ChrootOutcome outcome = bgpd.process().run("/bin/sh", "-c", line);
        if (outcome.status() != 0)
            throw new IOException(line + " ended with " + outcome.status() + ": " + outcome.errors());
        return outcome.output().strip();
    }
}
