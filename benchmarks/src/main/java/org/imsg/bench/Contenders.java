package org.imsg.bench;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.imsg.bench.Contender.Seen;
import org.imsg.harness.debian.DebianChroot;
import org.imsg.harness.debian.DebianSuite;
import org.imsg.harness.debian.Libfrr;
import org.imsg.harness.debian.PeerUnavailableException;

/** The contenders that take part. */
final class Contenders {
    static final String OURS = "imsg-java";
    static final String SPINNING = "imsg-java-spinning";
    static final String NETTY = "netty-imsg";
    static final String NETTY_PASSING = "netty-imsg-passing";
    static final String NETTY_MESSAGES = "netty-imsg-messages";
    /** In the place of one that cannot be had. */
    static final Contender ABSENT = new Contender("absent", List.of(), List.of(), List.of(), true, Seen.NOTHING);

    /** Longer than any round trip on a quiet machine, so that a spinning reader never sleeps. */
    private static final String SPIN_MICROS = "200";
    /**
     * The JIT compiler after a tenth as many calls. A pipeline is many small methods: at its own thresholds it takes some 200 000
     * messages, with one connection 20 s and more. Afterwards the rates are the same.
     */
    private static final String COMPILED_SOON = "-XX:CompileThresholdScaling=0.1";

    final Contender ours = Contender.java(OURS, "imsg", true, Seen.PAYLOAD_AND_ID);
    final Contender spinning = ours.with(SPINNING, "-u", SPIN_MICROS);
    final Contender records = Contender.java("imsg-java-records", "imsg-records", true, Seen.PAYLOAD_AND_ID);
    final Contender jdk = Contender.java("jdk-socketchannel", "jdk", false, Seen.PAYLOAD);
    final Contender junixsocket = Contender.java("junixsocket", "junixsocket", false, Seen.PAYLOAD);
    final Contender grpc = Contender.java("grpc", "grpc", false, Seen.PAYLOAD);
    final Contender netty = netty(NETTY, true, Seen.PAYLOAD_AND_ID);
    final Contender nettyMessages = netty(NETTY_MESSAGES, true, Seen.PAYLOAD_AND_ID);
    final Contender nettyStock = netty("netty-stock", true, Seen.PAYLOAD);
    final Contender nettyStockGathered = netty("netty-stock-gathered", true, Seen.PAYLOAD);
    /** The same where they meet at a path, with many connections, and a message object each. */
    final Contender nettyServer = netty(NETTY, false, Seen.PAYLOAD);
    final Contender nettyPassingServer = netty(NETTY_PASSING, false, Seen.PAYLOAD);
    final Contender nettyStockServer = netty("netty-stock", false, Seen.PAYLOAD);
    final Contender c;
    final Contender floor;
    final Contender floorBare;
    final Contender floorFramed;
    final Contender floorThreaded;
    final Contender frr;

    /** Takes the C programs from the directory they were built in. */
    Contenders(Path cReference, Contender frr) {
        this.frr = frr;
        c = Contender.c("c", cReference.resolve("bench-imsg"), Seen.PAYLOAD_AND_ID);
        floor = Contender.c("floor", cReference.resolve("bench-floor"), Seen.NOTHING);
        floorBare = floor.with("floor-bare", "-n");
        floorFramed = Contender.c("floor-framed", cReference.resolve("bench-floor"), Seen.PAYLOAD_AND_ID, "-f");
        floorThreaded = floor.with("floor-two-threads", "-t");
    }

    private static Contender netty(String kind, boolean inherits, Seen seen) {
        Contender plain = Contender.java(kind, kind, inherits, seen);
        List<String> command = new ArrayList<>(plain.command());
        command.add(1, COMPILED_SOON);
        return new Contender(kind, command, List.of(), List.of(), inherits, seen);
    }

    /** libfrr, or {@link #ABSENT} where it cannot be had; fetched when first asked for. */
    static Contender frr(Path cReference) throws IOException, InterruptedException {
        try {
            List<String> libraries = Libfrr.of(DebianChroot.of(DebianSuite.BOOKWORM)).libraries().stream()
                    .map(Path::toString).toList();
            return Contender.c("libfrr", cReference.resolve("bench-frr"), Seen.PAYLOAD_AND_ID).after(libraries);
        } catch (PeerUnavailableException e) {
            System.out.println("without libfrr: " + e.getMessage());
            return ABSENT;
        }
    }
}
