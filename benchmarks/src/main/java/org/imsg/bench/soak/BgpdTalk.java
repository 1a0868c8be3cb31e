package org.imsg.bench.soak;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.imsg.peers.bgpd.BgpdClient;
import org.imsg.peers.bgpd.BgpdVersion;
import org.imsg.peers.bgpd.Neighbor;
import org.imsg.peers.bgpd.Prefix;
import org.imsg.peers.bgpd.RibQuery;
import org.imsg.peers.bgpd.Route;

/** A talk with a real bgpd, which is told networks, tells them, and forgets them. */
final class BgpdTalk {
    private static final int PAUSE_MILLIS = 5;

    private BgpdTalk() {}

    static void hold(Path socket, Random random, int most, Tally tally) throws IOException, InterruptedException {
        Set<Prefix> networks = new HashSet<>();
        for (int i = random.nextInt(most); i >= 0; i--)
            networks.add(Prefix.of("10." + (i >> 8) + "." + (i & 255) + ".0/24"));
        try (BgpdClient bgpd = BgpdClient.connect(socket, BgpdVersion.V7_7)) {
            List<Neighbor> neighbors = bgpd.neighbors();
            if (neighbors.size() != 1 || !neighbors.getFirst().description().equals(BgpdPart.NEIGHBOR.description()))
                throw new IOException("bgpd tells the neighbors " + neighbors);
            bgpd.announce(networks);
            // Each is in two tables.
            await(bgpd, 2L * networks.size());
            List<Prefix> told = new ArrayList<>(bgpd.routes(RibQuery.ALL).stream().map(Route::prefix).toList());
            if (told.size() != networks.size() || !networks.equals(new HashSet<>(told)))
                throw new IOException("bgpd has " + networks.size() + " networks and told " + told.size());
            bgpd.withdrawAll();
            await(bgpd, 0);
            tally.routes.addAndGet(told.size());
        }
    }

    private static void await(BgpdClient bgpd, long prefixes) throws IOException, InterruptedException {
        long deadline = System.nanoTime() + Conversation.PATIENCE.toNanos();
        for (long now; (now = bgpd.prefixes()) != prefixes; Thread.sleep(PAUSE_MILLIS))
            if (System.nanoTime() - deadline > 0)
                throw new IOException("bgpd has " + now + " prefixes, not " + prefixes);
    }
}
