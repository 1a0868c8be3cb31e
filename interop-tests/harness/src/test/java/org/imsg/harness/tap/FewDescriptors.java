package org.imsg.harness.tap;

import java.io.IOException;
import java.net.SocketTimeoutException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.imsg.Imsg;
import org.imsg.ImsgChannel;
import org.imsg.WireFormat;
import org.imsg.harness.record.StreamDecoder;
import org.imsg.harness.scripted.Expected;
import org.imsg.harness.scripted.ScriptedServer;
import org.imsg.peers.PeerServer;
import org.imsg.sys.OpenDescriptor;
import org.imsg.testing.Call;
import org.imsg.testing.CapturedLog;
import org.imsg.unix.ErrnoException;
import org.imsg.unix.Fd;
import org.imsg.unix.UnixListener;

/** Servers whose process has no room for another descriptor; run by FewDescriptorsTest in a JVM with few. */
final class FewDescriptors {
    private static final Path NULL = Path.of("/dev/null");
    private static final Duration PATIENCE = Duration.ofSeconds(20), SEVERAL_PAUSES = Duration.ofMillis(200);

    private final Path socket;
    private final Path target;

    private FewDescriptors(Path directory) {
        socket = directory.resolve("socket");
        target = directory.resolve("target");
    }

    /** Which server, and a directory. */
    public static void main(String... arguments) throws Exception {
        FewDescriptors few = new FewDescriptors(Path.of(arguments[1]));
        // A full table is no place to load classes from a directory: everything runs once before. Whether anybody waits then is chance.
        OpenDescriptor.prepareWaiting();
        few.run(arguments[0], false);
        System.out.println(new ErrnoException("warm-up", 24));
        int before = open();
        few.run(arguments[0], true);
        System.out.println("left open " + (open() - before));
    }

    private static int open() {
        return Path.of("/proc/self/fd").toFile().list().length;
    }

    private void run(String server, boolean full) throws Exception {
        try (CapturedLog log = new CapturedLog(UnixListener.class)) {
            System.getLogger(UnixListener.class.getName()).log(System.Logger.Level.WARNING, "warm-up");
            switch (server) {
                case "scripted" -> scripted(log, full);
                case "peer" -> {
                    try (PeerServer _ = peer(socket)) {
                        serveThrough(log, full);
                    }
                }
                default -> {
                    try (PeerServer _ = peer(target);
                            Tap _ = Tap.start(socket, target, WireFormat.MODERN, StreamDecoder.USUAL_LIMIT, _ -> {})) {
                        serveThrough(log, full);
                    }
                }
            }
        }
    }

    private static PeerServer peer(Path socket) throws IOException {
        return PeerServer.listen(socket, channel -> channel.format(WireFormat.MODERN), (client, _) -> {
            for (Imsg request; (request = client.receive()) != null;)
                client.send(request);
        });
    }

    private void serveThrough(CapturedLog log, boolean full) throws Exception {
        try (ImsgChannel first = ImsgChannel.connect(socket)) {
            System.out.println("first " + answer(first));
            List<Fd> table = fillTable(full);
            table.removeLast().close();
            try (ImsgChannel second = ImsgChannel.connect(socket)) {
                awaitShortage(log, second, full);
                System.out.println("first " + answer(first));
                table.forEach(Fd::close);
                System.out.println("second " + answer(second));
            }
        }
    }

    /** It serves one client after the other. */
    private void scripted(CapturedLog log, boolean full) throws Exception {
        try (ScriptedServer _ = ScriptedServer.listen(socket, WireFormat.MODERN, client -> {
            client.expect(Expected.type(5));
            client.send(5, new byte[0]);
        })) {
            try (ImsgChannel first = ImsgChannel.connect(socket)) {
                System.out.println("first " + answer(first));
                first.receive(PATIENCE);
            }
            List<Fd> table = fillTable(full);
            table.removeLast().close();
            try (ImsgChannel second = ImsgChannel.connect(socket)) {
                awaitShortage(log, second, full);
                table.forEach(Fd::close);
                System.out.println("second " + answer(second));
                second.receive(PATIENCE);
            }
        }
    }

    /** A record is written beside the one that loaded the classes for it, unless there is room; and a client stays without an answer. */
    private static void awaitShortage(CapturedLog log, ImsgChannel client, boolean full) throws IOException {
        Call.until(() -> log.lines().size() > (full ? 1 : 0));
        try {
            client.receive(full ? SEVERAL_PAUSES : Duration.ZERO);
        } catch (SocketTimeoutException _) {
            System.out.println("second waits");
        }
    }

    private static int answer(ImsgChannel client) throws IOException {
        client.send(Imsg.of(5));
        return client.receive(PATIENCE).type();
    }

    private static List<Fd> fillTable(boolean full) throws IOException {
        List<Fd> table = new ArrayList<>();
        try {
            do
                table.add(Fd.open(NULL));
            while (full);
        } catch (ErrnoException e) {
            System.out.println("open " + e.name());
        }
        return table;
    }
}
