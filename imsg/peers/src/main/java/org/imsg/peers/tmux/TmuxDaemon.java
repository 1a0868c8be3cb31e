package org.imsg.peers.tmux;

import java.io.IOException;
import java.nio.channels.ClosedChannelException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;

import org.imsg.Imsg;
import org.imsg.ImsgChannel;
import org.imsg.peers.PeerServer;
import org.imsg.peers.tmux.TmuxStructs.Exit;
import org.imsg.peers.tmux.TmuxStructs.StreamData;
import org.imsg.peers.tmux.TmuxStructs.WriteOpen;

/**
 * A tmux server as far as the program {@code tmux} can tell: {@code tmux -S SOCKET COMMAND} prints what the service says and
 * exits as it says. There are no terminals: a client that wants to attach is told so by the service.
 *
 * {@snippet file="org/imsg/peers/tmux/TmuxDaemonTest.java" region="server"}
 */
public final class TmuxDaemon implements AutoCloseable {
    private static final int STDOUT = 1;
    private static final int STDERR = 2;
    private static final int LARGEST_PIECE = 8192;

    private final PeerServer server;

    private TmuxDaemon(PeerServer server) {
        this.server = server;
    }

    /**
     * Begins to listen.
     *
     * @param socket where
     * @param version what the clients are
     * @param service what runs their commands
     * @return the server, which the caller closes
     * @throws IOException if it cannot listen there
     */
    public static TmuxDaemon listen(Path socket, TmuxVersion version, TmuxService service) throws IOException {
        return new TmuxDaemon(PeerServer.listen(socket, version::prepare, (client, _) -> serve(client, service)));
    }

    /** Ends every connection and the socket. */
    @Override
    public void close() {
        server.close();
    }

    private static void serve(ImsgChannel client, TmuxService service) throws IOException {
        while (true) {
            try (Imsg message = client.receive()) { // closes the descriptors that come before the command
                if (message == null)
                    return;
                if ((message.id() & 0xff) != TmuxVersion.PROTOCOL) {
                    send(client, TmuxVersion.VERSION, new byte[0]);
                    client.flush();
                    return;
                }
                if (message.type() == TmuxVersion.COMMAND)
                    answer(client, service.run(message.getData(TmuxStructs.COMMAND).arguments()));
                if (message.type() == TmuxVersion.EXITING)
                    send(client, TmuxVersion.EXITED, new byte[0]);
            }
            client.flush();
        }
    }

    private static void answer(ImsgChannel client, TmuxOutcome outcome) throws IOException {
        write(client, STDOUT, outcome.output());
        write(client, STDERR, outcome.errors().getBytes(StandardCharsets.UTF_8));
        send(client, TmuxVersion.EXIT, TmuxStructs.EXIT.toBytes(new Exit(outcome.code(), new byte[0])));
    }

    /** Opens one of the client's streams and writes to it once the client has opened it. */
    private static void write(ImsgChannel client, int stream, byte[] data) throws IOException {
        if (data.length == 0)
            return;
        send(client, TmuxVersion.WRITE_OPEN, TmuxStructs.WRITE_OPEN.toBytes(new WriteOpen(stream, stream, 0, "-")));
        client.flush();
        try (Imsg ready = client.receive()) {
            if (ready == null || ready.type() != TmuxVersion.WRITE_READY)
                throw new IOException("the client did not open its stream " + stream + " but sent " + ready);
        }
        for (int from = 0; from < data.length; from += LARGEST_PIECE) {
            byte[] piece = Arrays.copyOfRange(data, from, Math.min(data.length, from + LARGEST_PIECE));
            send(client, TmuxVersion.WRITE, TmuxStructs.STREAM_DATA.toBytes(new StreamData(stream, piece)));
            client.flush();
        }
        send(client, TmuxVersion.WRITE_CLOSE, TmuxStructs.NUMBER.toBytes(new TmuxStructs.Number(stream)));
    }

    private static void send(ImsgChannel client, int type, byte[] payload) throws ClosedChannelException {
        client.compose(type, TmuxVersion.PROTOCOL, 0, payload);
    }
}
