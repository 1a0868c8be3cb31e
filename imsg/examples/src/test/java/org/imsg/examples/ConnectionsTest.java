package org.imsg.examples;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.imsg.ImsgChannel;
import org.imsg.privsep.ops.Monitor;
import org.imsg.privsep.ops.Policy;
import org.imsg.privsep.ops.Privileged;
import org.imsg.testing.ChildJvm;
import org.imsg.unix.Fd;
import org.imsg.unix.FdChannel;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A server that fails for some connections, and has no descriptor left for others. */
@Timeout(60)
class ConnectionsTest {
    /** In a process of its own. */
    static final class Server {
        private static final List<Fd> HOARD = new ArrayList<>();

        public static void main(String... arguments) throws Exception {
            Path socket = Path.of(arguments[0]);
            Monitor monitor = Monitor.of(Policy.of("bind unix mode=0600 " + Policy.quoted(socket.toString())));
            ImsgChannel.Pair ends = ImsgChannel.pair();
            Thread.ofPlatform().daemon().start(() -> serve(monitor, ends.second()));
            Fd listener = Privileged.over(ends.first()).listen(socket, 0600, 10, false);
            // A class that an error takes could not be loaded later.
            hoard(socket.resolve("missing"));
            AtomicInteger clients = new AtomicInteger();
            System.out.println("listening");
            Connections.accept(listener, Server::log, connection -> take(clients.getAndIncrement(), connection));
        }

        private static void serve(Monitor monitor, ImsgChannel server) {
            try {
                monitor.serve(server, "server");
            } catch (IOException e) {
                System.out.println(e);
            }
        }

        private static void take(int client, Fd connection) throws IOException {
            if (client == 0)
                throw new IOException("the first");
            if (client == 1)
                throw new OutOfMemoryError("the second");
            try (FdChannel channel = new FdChannel(connection)) {
                channel.write(ByteBuffer.wrap(("served " + client).getBytes(UTF_8)));
            }
            if (client == 2)
                hoard(Path.of("/dev/null"));
        }

        private static void hoard(Path file) {
            try {
                for (;;)
                    HOARD.add(Fd.open(file));
            } catch (IOException _) {
                // The table is full, or there is no such file.
            }
        }

        private static void log(String text) {
            System.out.println(text);
            HOARD.forEach(Fd::close);
        }
    }

    @Test
    void a_connection_that_fails_is_closed_and_one_without_a_descriptor_waits(@TempDir Path directory)
            throws Exception {
        Path socket = directory.resolve("socket");
        Process server = new ChildJvm().option("-XX:-UsePerfData").mostDescriptors(100).start(Server.class,
                socket.toString());
        try (BufferedReader lines = server.inputReader(); var _ = server.getOutputStream()) {
            assertThat(lines.readLine()).isEqualTo("listening");
            assertThat(List.of(answer(socket), answer(socket), answer(socket), answer(socket))).containsExactly("", "",
                    "served 2", "served 3");
            server.toHandle().destroyForcibly(); // and the lines stay to be read
            assertThat(lines.lines().map(line -> line.replaceAll(" \\(.*", ""))).containsExactly(
                    "a connection is closed: java.io.IOException: the first",
                    "a connection is closed: java.lang.OutOfMemoryError: the second",
                    "no connection is accepted: org.imsg.unix.ErrnoException: accept: EMFILE");
        } finally {
            server.destroyForcibly().waitFor();
        }
    }

    private static String answer(Path socket) throws IOException {
        try (SocketChannel client = SocketChannel.open(UnixDomainSocketAddress.of(socket))) {
            return new String(Channels.newInputStream(client).readAllBytes(), UTF_8);
        }
    }
}
