package org.imsg.peers.bgpd;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.List;

import org.imsg.Ibuf;
import org.imsg.Imsg;
import org.imsg.ImsgChannel;
import org.imsg.peers.PeerServer;
import org.jspecify.annotations.Nullable;

/**
 * A bgpd as far as bgpctl(8) can tell: {@code bgpctl -s SOCKET} prints what the service says, and tells it what to do.
 *
 * {@snippet file="org/imsg/peers/bgpd/BgpdServerTest.java" region="server"}
 */
public final class BgpdServer implements AutoCloseable {
    private static final int QUEUED_AT_MOST = 1 << 16;

    private final PeerServer server;

    private BgpdServer(PeerServer server) {
        this.server = server;
    }

    /**
     * Begins to listen.
     *
     * @param socket where
     * @param version what bgpctl is: it believes a bgpd of its own version only
     * @param service what to tell it
     * @return the server, which the caller closes
     * @throws IOException if it cannot listen there
     */
    public static BgpdServer listen(Path socket, BgpdVersion version, BgpdService service) throws IOException {
        return new BgpdServer(PeerServer.listen(socket, version::prepare,
                (client, _) -> new Session(client, version, service).serve()));
    }

    /** Ends every connection and the socket. */
    @Override
    public void close() {
        server.close();
    }

    /** One client; a network arrives in several messages. */
    private static final class Session {
        private final ImsgChannel client;
        private final BgpdVersion version;
        private final BgpdService service;
        private @Nullable Prefix announced;

        Session(ImsgChannel client, BgpdVersion version, BgpdService service) {
            this.client = client;
            this.version = version;
            this.service = service;
        }

        void serve() throws IOException {
            for (Imsg request; (request = client.receive()) != null;) {
                answer(request);
                client.flush();
            }
        }

        private void answer(Imsg request) throws IOException {
            int type = request.type();
            if (type == BgpdVersion.SHOW_NEIGHBOR)
                neighbors(request);
            else if (type == BgpdVersion.SHOW_RIB || type == BgpdVersion.SHOW_RIB_PREFIX)
                routes(request);
            else if (type == version.showRibMem)
                reply(request, type, version.forms.prefixes().toBytes(service.prefixes()));
            else if (type == BgpdVersion.RELOAD)
                result(request, service.reload());
            else if (type == version.logVerbose)
                service.logVerbose((int) request.getIbuf().getH32());
            else
                network(request);
        }

        private void neighbors(Imsg request) throws IOException {
            NeighborQuery query = request.length() == 0
                    ? new NeighborQuery(null, "")
                    : version.forms.neighborQuery().getData(request);
            List<Neighbor> meant = service.neighbors().stream().filter(query::means).toList();
            for (Neighbor neighbor : meant)
                reply(request, BgpdVersion.SHOW_NEIGHBOR, version.forms.neighbor().toBytes(neighbor));
            if (meant.isEmpty() && request.length() > 0 && version != BgpdVersion.V7_7)
                result(request, Result.NO_SUCH_PEER);
            else
                reply(request, BgpdVersion.END, new byte[0]);
        }

        private void routes(Imsg request) throws IOException {
            service.routes(version.forms.ribQuery().getData(request), route -> {
                try {
                    Ibuf payload = client.create(BgpdVersion.SHOW_RIB, request.id(), request.pid(),
                            version.forms.route().size());
                    payload.add(version.forms.route().toBytes(route));
                    AsPath.add(payload, route.path());
                    client.compose(payload);
                    if (client.queuedBytes() > QUEUED_AT_MOST)
                        client.flush();
                } catch (IOException e) {
                    throw new UncheckedIOException(e);
                }
            });
            reply(request, BgpdVersion.END, new byte[0]);
        }

        private void network(Imsg request) {
            int type = request.type();
            if (type == version.networkAdd)
                announced = version.forms.network().getData(request);
            else if (type == version.networkDone && announced != null)
                service.announce(announced);
            else if (type == version.networkRemove)
                service.withdraw(version.forms.network().getData(request));
            else if (type == version.networkFlush)
                service.withdrawAll();
            // A filter is of no interest here, and bgpd says nothing to what it does not know.
        }

        private void result(Imsg request, Result result) throws IOException {
            try (Ibuf payload = Ibuf.open(4).addH32(result.ordinal())) {
                reply(request, BgpdVersion.RESULT, payload.get(4));
            }
        }

        private void reply(Imsg request, int type, byte[] payload) throws IOException {
            client.compose(type, request.id(), request.pid(), payload);
        }
    }
}
