package org.imsg;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;

/** The examples of the API's documentation; compiled, and run by ChannelSnippetsTest. */
final class ChannelSnippets {
    private static final int SHOW = 13;
    private static final int END = 1;

    private ChannelSnippets() {}

    // @start region="client"
    static int client(Path socket) throws IOException {
        try (ImsgChannel daemon = ImsgChannel.connect(socket)) {
            daemon.send(Imsg.of(SHOW));
            int neighbors = 0;
            Imsg reply;
            while ((reply = daemon.receive(Duration.ofSeconds(5))) != null && reply.type() != END)
                neighbors++;
            return neighbors;
        }
    }
    // @end

    // @start region="daemon"
    static void daemon(ImsgListener listener) throws IOException {
        listener.serve((channel, peer) -> {
            Imsg request;
            while ((request = channel.receive()) != null) {
                for (String name : new String[]{"amsterdam", "zurich"})
                    channel.compose(request.type(), request.id(), 0, name.getBytes());
                channel.compose(END, request.id(), 0, new byte[0]);
                channel.flush();
            }
        });
    }
    // @end

    // @start region="batch"
    static void all(ImsgChannel peer, byte[][] routes) throws IOException {
        try (ImsgChannel.Batch _ = peer.batch()) {
            for (byte[] route : routes)
                peer.compose(SHOW, 0, 0, route);
            peer.flush();
        }
    }
    // @end
}
