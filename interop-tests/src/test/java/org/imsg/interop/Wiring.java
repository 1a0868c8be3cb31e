package org.imsg.interop;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

import org.imsg.WireFormat;
import org.imsg.unix.Fd;

/** How Java and a C peer come to be connected. */
enum Wiring {
    SOCKETPAIR {
        @Override
        Connection connect(Transport.Kind kind, Transport.Settings settings, WireFormat format, Path socket,
                String... mode) throws IOException {
            try (Fd.Pair sockets = Fd.socketpair()) {
                CPeer peer = CPeer.start(format, sockets.second(), mode);
                return new Connection(peer, kind.over(sockets.first(), settings));
            }
        }
    },
    JAVA_LISTENS {
        @Override
        Connection connect(Transport.Kind kind, Transport.Settings settings, WireFormat format, Path socket,
                String... mode) throws IOException {
            try (Transport.Listener listener = kind.listen(socket, settings)) {
                CPeer peer = CPeer.start(format, with("-c", socket, mode));
                return new Connection(peer, listener.accept());
            }
        }
    },
    JAVA_CONNECTS {
        @Override
        Connection connect(Transport.Kind kind, Transport.Settings settings, WireFormat format, Path socket,
                String... mode) throws IOException {
            CPeer peer = CPeer.start(format, with("-l", socket, mode));
            try {
                peer.awaitListening();
                return new Connection(peer, kind.connect(socket, settings));
            } catch (IOException | RuntimeException | Error e) {
                peer.close();
                throw e;
            }
        }
    };

    /** Both ends. */
    record Connection(CPeer peer, Transport channel) implements AutoCloseable {
        @Override
        public void close() throws IOException {
            try (peer; channel) {
                // closes both, whatever the other does
            }
        }
    }

    /**
     * Starts a peer in a mode and connects to it.
     *
     * @param socket where a listening socket may be
     */
    abstract Connection connect(Transport.Kind kind, Transport.Settings settings, WireFormat format, Path socket,
            String... mode) throws IOException;

    private static String[] with(String option, Path socket, String... mode) {
        List<String> arguments = new ArrayList<>(List.of(option, socket.toString()));
        arguments.addAll(Arrays.asList(mode));
        return arguments.toArray(String[]::new);
    }
}
