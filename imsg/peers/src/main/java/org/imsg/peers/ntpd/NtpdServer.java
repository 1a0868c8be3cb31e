package org.imsg.peers.ntpd;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

import org.imsg.Imsg;
import org.imsg.ImsgChannel;
import org.imsg.peers.StructMapping;
import org.imsg.peers.PeerServer;

/**
 * An ntpd as far as ntpctl(8) can tell: {@code ntpctl -s all} prints what the service says.
 *
 * {@snippet file="org/imsg/peers/ntpd/NtpdTest.java" region="server"}
 */
public final class NtpdServer implements AutoCloseable {
    private final PeerServer server;

    private NtpdServer(PeerServer server) {
        this.server = server;
    }

    /**
     * Begins to listen.
     *
     * @param socket where; ntpctl looks in a fixed place
     * @param version what ntpctl is
     * @param service what to tell it
     * @return the server, which the caller closes
     * @throws IOException if it cannot listen there
     */
    public static NtpdServer listen(Path socket, NtpdVersion version, NtpdService service) throws IOException {
        return new NtpdServer(PeerServer.listen(socket, version::prepare,
                (client, _) -> new Session(client, version, service).serve()));
    }

    /** Ends every connection and the socket. */
    @Override
    public void close() {
        server.close();
    }

    private record Session(ImsgChannel client, NtpdVersion version, NtpdService service) {
        void serve() throws IOException {
            for (Imsg request; (request = client.receive()) != null;) {
                answer(request.type());
                client.flush();
            }
        }

        private void answer(int type) throws IOException {
            boolean all = type == NtpdVersion.ALL;
            if (all || type == NtpdVersion.STATUS)
                reply(NtpdVersion.STATUS, version.status.toBytes(service.status()));
            if (all || type == NtpdVersion.PEERS)
                list(NtpdVersion.PEERS, NtpdVersion.PEERS_END, NtpdStructs.PEER, service.peers());
            if (all || type == NtpdVersion.SENSORS)
                list(NtpdVersion.SENSORS, NtpdVersion.SENSORS_END, NtpdStructs.SENSOR, service.sensors());
            if (all)
                reply(NtpdVersion.ALL_END, new byte[0]);
        }

        private <M> void list(int type, int end, StructMapping<M> form, List<M> values) throws IOException {
            for (M value : values)
                reply(type, form.toBytes(value));
            reply(end, NtpdStructs.COUNT.toBytes(new NtpdStructs.Count(values.size())));
        }

        private void reply(int type, byte[] payload) throws IOException {
            client.compose(type, 0, 0, payload);
        }
    }
}
