package org.imsg.bench.worker;

import java.io.EOFException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import org.imsg.Imsg;
import org.imsg.ImsgChannel;
import org.imsg.ImsgView;
import org.imsg.bench.BgpdRoutes;

/**
 * A client of bgpd 7.7 that has it tell all its routes, as {@code bgpctl show rib} does: it connects, asks, makes a record of each
 * route, and disconnects. The sum is of the routes' numbers.
 */
final class RoutesTransport implements WorkerTransport {
    private static final int FIELD = 32;

    /** A route, as far as bgpctl shows it. */
    private record Route(int nexthop, int prefix, int prefixLength, int neighbor, String description, int flags,
            int origin) {}

    private final Tally tally = new Tally();
    private final Path socket;
    private final byte[] field = new byte[FIELD];
    private boolean ended;

    RoutesTransport(Job job) {
        socket = job.path();
    }

    @Override
    public void send(long count) {
        throw new UnsupportedOperationException("bgpd sends the routes");
    }

    @Override
    public void receive(long count) throws IOException {
        ended = false;
        try (ImsgChannel bgpd = ImsgChannel.connect(socket)) {
            bgpd.send(Imsg.of(BgpdRoutes.SHOW_RIB, new byte[BgpdRoutes.RIB_REQUEST_SIZE]));
            while (!ended)
                if (bgpd.read(this::take) < 0)
                    throw new EOFException("bgpd has hung up after " + tally.messages + " routes");
        }
    }

    private void take(ImsgView message) {
        switch (message.type()) {
            case BgpdRoutes.SHOW_RIB -> {
                Route route = decode(message);
                if (route.prefixLength != BgpdRoutes.PREFIX_LENGTH)
                    throw new IllegalStateException("not a route of ours: " + route);
                tally.messages++;
                tally.sum += BgpdRoutes.number(route.prefix);
            }
            case BgpdRoutes.END -> ended = true;
            default -> throw new IllegalStateException("not an answer to SHOW_RIB: " + message);
        }
    }

    private Route decode(ImsgView message) {
        message.copyTo(BgpdRoutes.DESCRIPTION_AT, field, 0, FIELD);
        int end = 0;
        while (end < FIELD && field[end] != 0)
            end++;
        return new Route((int) message.getN32(0), (int) message.getN32(BgpdRoutes.PREFIX_AT),
                message.getN8(BgpdRoutes.PREFIX_LENGTH_AT), (int) message.getN32(BgpdRoutes.NEIGHBOR_AT),
                new String(field, 0, end, StandardCharsets.UTF_8), (int) message.getH32(BgpdRoutes.FLAGS_AT),
                message.getN8(BgpdRoutes.ORIGIN_AT));
    }

    @Override
    public Tally tally() {
        return tally;
    }
}
