package org.imsg.bench.soak;

import java.nio.file.Path;
import org.imsg.ImsgListener;

/** The daemon on the core: {@code CoreDaemon SOCKET}. */
final class CoreDaemon {
    private static final int MOST = 4096;

    private CoreDaemon() {}

    public static void main(String... args) throws Exception {
        PlantedLeak leak = PlantedLeak.configured();
        try (ImsgListener listener = ImsgListener.listen(Path.of(args[0])).maxConnections(MOST)
                .maxConnectionsOfUid(MOST)) {
            Control.serve();
            listener.serve((channel, _) -> EchoService.serve(channel, leak));
        }
    }
}
