package org.imsg.bench;

import static org.imsg.bench.Comparison.Bound.AT_LEAST;
import static org.imsg.bench.Comparison.Bound.AT_MOST;
import static org.imsg.bench.Comparison.Bound.AT_MOST_WITHIN_SPREAD;
import static org.imsg.bench.Comparison.Bound.NONE;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.stream.Stream;

/** The comparisons that are measured, and their goals. */
final class Plan {
    /** For C: more small messages at once, and glibc's free gives memory back to the kernel after each batch. */
    private static final int BATCH = 512;
    /** As many as 64 KiB hold. */
    private static final int FULL_BATCH = 1 << 20;
    /** With a header 88 bytes on the wire, which is no entry of Netty's table of read sizes: a filled read is tried again. */
    private static final int CONNECTIONS_SIZE = 72;
    private static final long RATED_INTERVAL = 100_000;
    /** From the accept to the first byte of a process that waited for the connection. */
    private static final double SPARE_NANOS = 1_500_000;

    private final Pinning pinning;
    private final Contenders the;
    private final boolean full;

    Plan(Pinning pinning, Contenders contenders, boolean full) {
        this.pinning = pinning;
        this.the = contenders;
        this.full = full;
    }

    /** Those of some names; all of a pass, if none is given. A process for each connection is in the full pass, and where it is named. */
    List<Measurement> measurements(Set<String> only, ConnectionProcess connections) {
        List<Measurement> all = new ArrayList<>(groups());
        all.add(new RouteDump(100_000));
        if (full)
            all.add(new RouteDump(1_000_000));
        if (full || only.contains(connections.name()))
            all.add(connections);
        return all.stream().filter(one -> only.isEmpty() || only.contains(one.name())).toList();
    }

    List<ContenderGroup> groups() {
        List<ContenderGroup> groups = new ArrayList<>();
        groups.add(oneWay("one-way-64", new Load(64, 0, BATCH), the.ours, the.c, the.frr, the.jdk, the.junixsocket,
                the.grpc));
        groups.add(oneWay("one-way-64-full", new Load(64, 0, FULL_BATCH), the.ours, the.floor,
                the.floorFramed));
        for (int size : new int[]{4096, 16368})
            groups.add(oneWay("one-way-" + size, new Load(size, 0, BATCH), the.ours, the.c, the.frr, the.floor));
        for (int size : full ? new int[]{16, 256, 1024} : new int[]{1024})
            groups.add(oneWay("one-way-" + size, new Load(size, 0, BATCH), the.ours, the.c));
        groups.add(oneWay("records-64", new Load(64, 0, BATCH), the.ours, the.records, the.c));
        groups.add(oneWay("descriptor-each", new Load(64, 1, BATCH), the.ours, the.c, the.floor, the.floorBare,
                the.floorThreaded, the.junixsocket));
        groups.add(oneWay("descriptor-100th", new Load(64, 100, BATCH), the.ours, the.c, the.floor));
        groups.add(oneWay("netty-64", new Load(64, 0, BATCH), the.netty, the.nettyMessages, the.nettyStock,
                the.nettyStockGathered));
        for (int connections : full ? new int[]{1, 10, 100, 1000, 10_000} : new int[]{1, 1000, 10_000})
            groups.add(
                    oneWay("connections-" + connections, new Load(CONNECTIONS_SIZE, 0, 1, connections), the.nettyServer,
                            the.nettyPassingServer, the.nettyStockServer));
        groups.add(roundTrip("round-trip-64", 0, pinning, the.ours, the.c, the.spinning, the.jdk));
        if (full)
            groups.addAll(furtherGroups());
        return groups;
    }

    private List<ContenderGroup> furtherGroups() {
        List<ContenderGroup> groups = new ArrayList<>();
        for (int batch : new int[]{1, 16, 256})
            groups.add(oneWay("one-way-64-by-" + batch, new Load(64, 0, batch), the.ours, the.c, the.floor));
        groups.add(roundTrip("round-trip-64-one-core", 0, pinning.together(), the.ours, the.c));
        groups.add(roundTrip("round-trip-64-rated", RATED_INTERVAL, pinning, the.ours, the.c, the.spinning));
        return groups;
    }

    private ContenderGroup oneWay(String name, Load load, Contender... contenders) {
        return new ContenderGroup(name, load, false, 0, pinning, present(contenders));
    }

    private ContenderGroup roundTrip(String name, long interval, Pinning where, Contender... contenders) {
        return new ContenderGroup(name, new Load(64, 0, 1), true, interval, where, present(contenders));
    }

    private static List<Contender> present(Contender... contenders) {
        return Stream.of(contenders).filter(contender -> contender != Contenders.ABSENT).toList();
    }

    static List<Comparison> comparisons() {
        List<Comparison> list = new ArrayList<>();
        list.add(rate("64B/c", "one-way-64", "c", 6));
        list.add(rate("64B/libfrr", "one-way-64", "libfrr", 6));
        list.add(shown("64B/jdk-socketchannel", "one-way-64", "jdk-socketchannel"));
        list.add(rate("64B/junixsocket", "one-way-64", "junixsocket", 3));
        list.add(rate("64B/grpc", "one-way-64", "grpc", 10));
        list.add(rate("64B/floor", "one-way-64-full", "floor", 0.8));
        list.add(shown("64B/floor-framed", "one-way-64-full", "floor-framed"));
        for (int size : new int[]{4096, 16368}) {
            list.add(rate(size + "B/c", "one-way-" + size, "c", 1));
            list.add(rate(size + "B/libfrr", "one-way-" + size, "libfrr", 1));
            list.add(rate(size + "B/floor", "one-way-" + size, "floor", 0.85));
        }
        for (String other : new String[]{Contenders.OURS, "c"})
            list.add(new Comparison("records-64B/" + other, "records-64", "imsg-java-records", other, Metric.RATE, NONE,
                    0));
        list.add(rate("descriptor-each/floor", "descriptor-each", "floor", 0.95));
        for (String other : new String[]{"floor-bare", "floor-two-threads", "c"})
            list.add(shown("descriptor-each/" + other, "descriptor-each", other));
        list.add(rate("descriptor-each/junixsocket", "descriptor-each", "junixsocket", 1));
        list.add(rate("descriptor-100th/c", "descriptor-100th", "c", 2));
        list.add(new Comparison("netty-64B/stock", "netty-64", Contenders.NETTY, "netty-stock", Metric.RATE, AT_LEAST,
                4));
        list.add(new Comparison("netty-64B-messages/stock", "netty-64", Contenders.NETTY_MESSAGES, "netty-stock",
                Metric.RATE, NONE, 0));
        list.add(new Comparison("netty-64B/stock-gathered", "netty-64", Contenders.NETTY, "netty-stock-gathered",
                Metric.RATE, NONE, 0));
        for (int connections : new int[]{1, 1000, 10_000}) {
            String group = "connections-" + connections;
            list.add(
                    new Comparison(group + "/stock", group, Contenders.NETTY, "netty-stock", Metric.RATE, AT_LEAST, 1));
            list.add(new Comparison(group + "-passing/stock", group, Contenders.NETTY_PASSING, "netty-stock",
                    Metric.RATE, AT_LEAST, 0.95));
        }
        list.add(new Comparison("allocation-connections/stock", "connections-1000", Contenders.NETTY, "netty-stock",
                Metric.RECEIVE_ALLOCATED, AT_MOST, 1));
        list.add(new Comparison("round-trip/c-p50", "round-trip-64", Contenders.OURS, "c", Metric.P50,
                AT_MOST_WITHIN_SPREAD, 1));
        list.add(new Comparison("round-trip/c-p99", "round-trip-64", Contenders.OURS, "c", Metric.P99,
                AT_MOST_WITHIN_SPREAD, 1));
        list.add(new Comparison("round-trip-spinning/c-p50", "round-trip-64", Contenders.SPINNING, "c", Metric.P50,
                AT_MOST, 0.3));
        list.add(new Comparison("round-trip/jdk-socketchannel-p50", "round-trip-64", Contenders.OURS,
                "jdk-socketchannel", Metric.P50, NONE, 0));
        // Rates of routes: the time of a dump, turned round, so that 1.0 of its time or less is 1.0 or more here.
        list.add(new Comparison("routes-100000/bgpctl", "routes-100000", Contenders.OURS, RouteDump.BGPCTL, Metric.RATE,
                AT_LEAST, 1));
        list.add(new Comparison("routes-100000-jvm-start/bgpctl", "routes-100000", RouteDump.COLD, RouteDump.BGPCTL,
                Metric.RATE, NONE, 0));
        for (Metric metric : new Metric[]{Metric.FIRST, Metric.P50, Metric.P99})
            for (String ours : new String[]{ConnectionProcess.SPARE, ConnectionProcess.NO_SPARE})
                list.add(new Comparison(ours + "/c-fork-" + metric.name().toLowerCase(Locale.ROOT),
                        ConnectionProcess.NAME, ours, ConnectionProcess.C, metric, NONE, 0));
        list.add(new Comparison("privsep-spare-p50", ConnectionProcess.NAME, ConnectionProcess.SPARE, null, Metric.P50,
                AT_MOST, SPARE_NANOS));
        // A few bytes a window for all its messages: reading the command, not sending.
        list.add(new Comparison("allocation-64B", "one-way-64", Contenders.OURS, null, Metric.ALLOCATED, AT_MOST,
                0.01));
        list.add(new Comparison("allocation-netty-batch", "netty-64", Contenders.NETTY, null, Metric.ALLOCATED,
                AT_MOST, 0.01));
        return list;
    }

    private static Comparison shown(String name, String group, String other) {
        return new Comparison(name, group, Contenders.OURS, other, Metric.RATE, NONE, 0);
    }

    private static Comparison rate(String name, String group, String other, double goal) {
        return new Comparison(name, group, Contenders.OURS, other, Metric.RATE, AT_LEAST, goal);
    }
}
