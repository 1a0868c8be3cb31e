package org.imsg.peers.bgpd;

import java.io.EOFException;
import java.io.IOException;
import java.net.InetAddress;
import java.nio.channels.ClosedChannelException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;

import org.imsg.Ibuf;
import org.imsg.Imsg;
import org.imsg.ImsgChannel;
import org.imsg.peers.Answers;
import org.imsg.unix.UnixAddress;
import org.jspecify.annotations.Nullable;

/**
 * Asks a bgpd what bgpctl(8) asks it. One request at a time: bgpd answers pipelined ones from different processes, whose
 * replies mix. Not safe for use by several threads at once.
 *
 * {@snippet file="org/imsg/peers/bgpd/BgpdClientTest.java" region="client"}
 *
 * <p>Every method throws {@link java.net.SocketTimeoutException} if bgpd is silent for ten seconds, and {@link EOFException}
 * if it leaves before its answer is whole; after any failure but a {@link BgpdRefusedException} the connection is closed.
 */
public final class BgpdClient implements AutoCloseable {
    private static final int QUEUED_AT_MOST = 1 << 16;
    private static final AtomicInteger CONNECTIONS = new AtomicInteger();

    /** Takes one message of an answer. */
    @FunctionalInterface
    private interface Answer {
        void accept(Imsg message) throws IOException;
    }

    private final ImsgChannel channel;
    private final BgpdVersion version;
    private final Answers<BgpdVersion> answers;
    /** bgpd finds the connection for a reply by the pid of the request, so each connection needs its own. */
    private final int pid = CONNECTIONS.incrementAndGet() << 22 & 0x7fc00000 | (int) ProcessHandle.current().pid();

    private BgpdClient(ImsgChannel channel, BgpdVersion version) {
        this.channel = channel;
        this.version = version;
        this.answers = new Answers<>("bgpd", channel, version, List.of(BgpdVersion.values()));
    }

    /**
     * Connects to a bgpd.
     *
     * @param socket its control socket, {@code /run/openbgpd/bgpd.sock.0} as a rule
     * @param version what it is, which it does not tell: {@code bgpd -V} does
     * @return the client, which the caller closes
     * @throws IOException if no daemon listens there, or it is not for us
     */
    public static BgpdClient connect(Path socket, BgpdVersion version) throws IOException {
        ImsgChannel channel = ImsgChannel.connect(UnixAddress.of(socket), Answers.PATIENCE);
        return new BgpdClient(version.prepare(channel), version);
    }

    /**
     * All neighbors.
     *
     * @return what bgpd says of each; empty if there are none
     * @throws IOException if bgpd fails
     */
    public List<Neighbor> neighbors() throws IOException {
        return neighbors(new byte[0]);
    }

    /**
     * The neighbors with an address.
     *
     * @param address the address
     * @return what bgpd says of it; empty if there is none
     * @throws IOException if bgpd fails
     */
    public List<Neighbor> neighbors(InetAddress address) throws IOException {
        return neighbors(version.forms.neighborQuery().toBytes(new NeighborQuery(address, "")));
    }

    /**
     * The neighbors with a description.
     *
     * @param description what the configuration calls it
     * @return what bgpd says of it; empty if there is none
     * @throws IOException if bgpd fails
     */
    public List<Neighbor> neighbors(String description) throws IOException {
        return neighbors(version.forms.neighborQuery().toBytes(new NeighborQuery(null, description)));
    }

    private List<Neighbor> neighbors(byte[] query) throws IOException {
        List<Neighbor> neighbors = new ArrayList<>();
        ask(BgpdVersion.SHOW_NEIGHBOR, query, "a neighbor", message -> {
            if (message.type() != version.showTimer)
                neighbors.add(answers.read(message, (known, answer) -> known.forms.neighbor()
                        .getData(Answers.ofType(answer, BgpdVersion.SHOW_NEIGHBOR, known.showTimer))));
        }, Result.NO_SUCH_PEER);
        return neighbors;
    }

    /**
     * The routes of a table.
     *
     * @param query which
     * @param each told each route as it comes; there may be millions
     * @throws BgpdRefusedException if there is no such table or neighbor
     * @throws IOException if bgpd fails
     */
    public void routes(RibQuery query, Consumer<Route> each) throws IOException {
        ask(query, message -> {
            each.accept(route(message));
            answers.handedOn();
        });
    }

    /**
     * The routes of a table, as far as they are one answer of {@link Answers#MAX_ANSWER} bytes: about 150,000. Those of a larger table are
     * told one by one by {@link #routes(RibQuery, Consumer)}.
     *
     * @param query which
     * @return all of them
     * @throws BgpdRefusedException if there is no such table or neighbor
     * @throws IOException if bgpd fails
     */
    public List<Route> routes(RibQuery query) throws IOException {
        List<Route> routes = new ArrayList<>();
        ask(query, message -> routes.add(route(message)));
        return routes;
    }

    private void ask(RibQuery query, Answer each) throws IOException {
        int type = query.prefix() == null ? BgpdVersion.SHOW_RIB : BgpdVersion.SHOW_RIB_PREFIX;
        ask(type, version.forms.ribQuery().toBytes(query), "routes", each, null);
    }

    private Route route(Imsg message) throws IOException {
        return answers.read(message,
                (known, answer) -> route(known, Answers.ofType(answer, BgpdVersion.SHOW_RIB).getIbuf()));
    }

    private static Route route(BgpdVersion version, Ibuf payload) {
        Route route = version.forms.route().get(payload);
        return new Route(route.prefix(), route.neighbor(), route.description(), route.flags(), route.origin(),
                AsPath.get(payload));
    }

    /**
     * How many prefixes bgpd holds, a network counting once in every table it is in.
     *
     * @return 0 or more
     * @throws IOException if bgpd fails
     */
    public long prefixes() throws IOException {
        return answers.ask(Imsg.of(version.showRibMem, 0, pid, new byte[0]), () -> {
            Imsg answer = answers.receive();
            refused("its counters", answer, null);
            return answers.read(answer,
                    (known, counters) -> known.forms.prefixes().getData(Answers.ofType(counters, known.showRibMem)));
        });
    }

    /**
     * Has bgpd read its configuration again.
     *
     * @throws BgpdRefusedException if the configuration has errors, or the socket is a restricted one
     * @throws IOException if bgpd fails
     */
    public void reload() throws IOException {
        ask(BgpdVersion.RELOAD, new byte[0], "the reload",
                message -> answers.read(message, (_, answer) -> Answers.ofType(answer, BgpdVersion.RESULT)),
                null);
    }

    /**
     * Sets how much bgpd logs. It does not answer.
     *
     * @param verbosity 0 brief, 1 verbose, 2 more
     * @throws IOException if bgpd has left
     */
    public void logVerbose(int verbosity) throws IOException {
        request(version.logVerbose, Ibuf.open(4).addH32(verbosity).get(4));
    }

    /**
     * Announces networks as bgpd's own. It does not answer: what it took is in {@link #routes(RibQuery)} soon after.
     *
     * @param networks the networks
     * @throws IOException if bgpd has left
     */
    public void announce(Collection<Prefix> networks) throws IOException {
        for (Prefix network : networks) {
            compose(version.networkAdd, version.forms.network().toBytes(network));
            if (version.filterSet != 0)
                compose(version.filterSet, new byte[2]);
            compose(version.networkDone, new byte[0]);
            if (channel.queuedBytes() > QUEUED_AT_MOST)
                channel.flush(Answers.PATIENCE);
        }
        channel.flush(Answers.PATIENCE);
    }

    /**
     * Withdraws networks that were announced. It does not answer.
     *
     * @param networks the networks
     * @throws IOException if bgpd has left
     */
    public void withdraw(Collection<Prefix> networks) throws IOException {
        for (Prefix network : networks) {
            compose(version.networkRemove, version.forms.network().toBytes(network));
            if (channel.queuedBytes() > QUEUED_AT_MOST)
                channel.flush(Answers.PATIENCE);
        }
        channel.flush(Answers.PATIENCE);
    }

    /**
     * Withdraws every network that was announced over a control socket. It does not answer.
     *
     * @throws IOException if bgpd has left
     */
    public void withdrawAll() throws IOException {
        request(version.networkFlush, new byte[0]);
    }

    private void compose(int type, byte[] payload) throws ClosedChannelException {
        channel.compose(type, 0, pid, payload);
    }

    private void request(int type, byte[] payload) throws IOException {
        compose(type, payload);
        channel.flush(Answers.PATIENCE);
    }

    /** Asks, and hands every message on until the one that ends the answer; the result {@code none} is an empty answer. */
    private void ask(int type, byte[] query, String what, Answer each, @Nullable Result none) throws IOException {
        answers.ask(Imsg.of(type, 0, pid, query), () -> {
            for (Imsg message; (message = answers.receive()).type() != BgpdVersion.END
                    && !refused(what, message, none);)
                each.accept(message);
            return what;
        });
    }

    /** Whether a message says that the request is done with; throws if it was refused. */
    private boolean refused(String what, Imsg message, @Nullable Result accepted) throws IOException {
        if (message.type() != BgpdVersion.RESULT)
            return false;
        Result result = answers.read(message, (_, answer) -> Result.of(answer.getIbuf().getH32()));
        if (result != Result.OK && result != accepted)
            throw new BgpdRefusedException(what, result);
        return true;
    }

    /** Leaves. */
    @Override
    public void close() throws IOException {
        channel.close();
    }
}
