package org.imsg.bench.soak;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Random;
import java.util.function.Consumer;
import org.imsg.harness.debian.Bgpd;

/** All parts and their clients, cycle after cycle: load, then silence, in which every part is looked at. */
final class MixedSoak implements AutoCloseable {
    private static final int FEWEST_SILENCES = 6;
    private static final int WARM_UP_SHARE = 5;
    private static final int FEWEST_WARM_UPS = 2;
    private static final int UID = 64_710;
    private static final long PAUSE_MILLIS = 10;
    private static final double KIB = 1024;
    private static final double NANOS_AN_HOUR = 3.6e12;

    private final Path results;
    private final Load load;
    private final Consumer<String> progress;
    private final List<Watched> parts = new ArrayList<>();
    private final Part clients;
    private final Map<Watched, Map<Figure, Curve>> curves = new LinkedHashMap<>();

    /**
     * Starts the parts; bgpd is there already, or is left out.
     *
     * @param jar the program with children on demand and all it needs, to be read by every user
     * @param sockets a directory that every user can enter
     * @param results where logs, tables and charts go
     */
    MixedSoak(Path jar, Path sockets, Path results, Load load, Optional<Bgpd> bgpd, Consumer<String> progress)
            throws IOException, InterruptedException {
        this.results = results;
        this.load = load;
        this.progress = progress;
        Files.createDirectories(results);
        boolean started = false;
        try {
            clients = start(jar, sockets, bgpd);
            for (Watched part : parts) {
                Map<Figure, Curve> figures = curves.computeIfAbsent(part, _ -> new EnumMap<>(Figure.class));
                for (Figure figure : Figure.values())
                    if (figure != Figure.HEAP || part.heap().isPresent())
                        figures.put(figure, new Curve(part.name(), figure));
            }
            started = true;
        } finally {
            if (!started)
                close();
        }
    }

    private Part start(Path jar, Path sockets, Optional<Bgpd> bgpd) throws IOException, InterruptedException {
        String all = System.getProperty("java.class.path");
        Path core = sockets.resolve("core");
        Path tap = sockets.resolve("tap");
        Path netty = sockets.resolve("netty");
        Path onDemand = sockets.resolve("on-demand");
        parts.add(Part.start("daemon", results, all, CoreDaemon.class, core));
        parts.add(Part.start("tap", results, all, TapProgram.class, "tap", tap, core, "--record", "/dev/null"));
        parts.add(Part.start("netty", results, all, NettyDaemon.class, netty));
        parts.add(Part.start("privsep", results, jar.toString(), OnDemandDaemon.class, onDemand, UID,
                Files.createDirectory(sockets.resolve("empty")), load.idle.toMillis()));
        bgpd.ifPresent(running -> parts.add(new BgpdPart(running)));
        awaitFile(tap);
        Part started = Part.start("clients", results, all, Clients.class, onDemand,
                bgpd.map(running -> running.socket().toString()).orElse(""), core, tap, netty);
        parts.add(started);
        return started;
    }

    private static void awaitFile(Path socket) throws IOException, InterruptedException {
        for (long start = System.nanoTime(); !Files.exists(socket); Thread.sleep(PAUSE_MILLIS))
            if (System.nanoTime() - start > Conversation.PATIENCE.toNanos())
                throw new IOException("nothing listens at " + socket);
    }

    /**
     * Goes through cycles until a time is over, and at least six, of which the first are not judged: two, or a fifth of all.
     *
     * @return what is wrong: things that rose, and complaints
     */
    List<String> run(Duration time, long seed) throws IOException, InterruptedException {
        progress.accept("soak: seed " + seed + ", " + load);
        Silence silence = new Silence(parts, load.still);
        Random random = new Random(seed);
        long start = System.nanoTime();
        boolean warm = false;
        for (int cycle = 1; cycle <= FEWEST_SILENCES || System.nanoTime() - start < time.toNanos(); cycle++) {
            long cycleSeed = random.nextLong();
            String done = clients.work(cycleSeed + " " + load.name());
            look(silence.await(), start);
            progress.accept("soak: cycle " + cycle + " of seed " + cycleSeed + ", so far " + done);
            if (!warm && cycle >= FEWEST_WARM_UPS && System.nanoTime() - start >= time.toNanos() / WARM_UP_SHARE) {
                curves().forEach(Curve::warm);
                warm = true;
            }
        }
        report();
        List<String> faults = new ArrayList<>(curves().stream().flatMap(curve -> curve.fault().stream()).toList());
        for (Watched watched : parts)
            if (watched instanceof Part part)
                faults.addAll(part.complaints());
        return faults;
    }

    private List<Curve> curves() {
        return curves.values().stream().flatMap(figures -> figures.values().stream()).toList();
    }

    private void look(Map<Watched, Counts> counts, long start) throws IOException {
        double hours = (System.nanoTime() - start) / NANOS_AN_HOUR;
        for (Map.Entry<Watched, Map<Figure, Curve>> entry : curves.entrySet()) {
            Counts counted = counts.get(entry.getKey());
            OptionalLong heap = entry.getKey().heap();
            long resident = entry.getKey().residentKib();
            entry.getValue().forEach((figure, curve) -> curve.add(hours, switch (figure) {
                case MEMORY -> resident / KIB;
                case HEAP -> heap.getAsLong() / KIB / KIB;
                case THREADS -> counted.threads();
                case DESCRIPTORS -> counted.descriptors();
                case CHILDREN -> counted.children();
            }));
        }
    }

    private void report() throws IOException {
        CurveCharts.write(curves(), results);
        Files.writeString(results.resolve("soak.svg"), CurvePicture.svg(curves()));
        Files.write(results.resolve("soak.csv"), curves().stream().flatMap(curve -> curve.points().stream()
                .map(point -> String.join(",", curve.part(), curve.figure().name(), "" + point.hours(),
                        "" + point.value())))
                .toList());
        List<String> table = new ArrayList<>(List.of(
                "| part | figure | first | last | all | rise an hour | rise | allowed |",
                "|---|---|---|---|---|---|---|---|"));
        curves().forEach(curve -> table.add(curve.row()));
        Files.write(results.resolve("soak.md"), table);
        table.forEach(progress);
    }

    /** Ends all parts, the clients first. */
    @Override
    public void close() throws IOException {
        IOException failure = null;
        for (Watched part : parts.reversed())
            try {
                part.close();
            } catch (IOException e) {
                failure = e;
            }
        if (failure != null)
            throw failure;
    }
}
