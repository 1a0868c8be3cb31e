package org.imsg.harness.tap;

import java.io.IOException;
import java.net.SocketTimeoutException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.imsg.WireFormat;
import org.imsg.harness.record.Event;
import org.imsg.harness.record.StreamDecoder;
import org.imsg.harness.stream.Chunk;
import org.imsg.harness.stream.RawListener;
import org.imsg.harness.stream.RawSocket;
import org.imsg.testing.Call;
import org.imsg.unix.ErrnoException;
import org.imsg.unix.Fd;

/**
 * A tap before a daemon that receives nothing, and clients that pass it more descriptors than the kernel allows a user to have on
 * the way; run by {@link ManyDescriptorsTest} in a JVM without privilege to pass more.
 */
final class ManyDescriptors {
    /** Of each client: more than are allowed for all. */
    private static final int MOST = 1000;
    private static final Duration PATIENCE = Duration.ofSeconds(60), SHORT = Duration.ofMillis(200);

    private final List<Event> events = Collections.synchronizedList(new ArrayList<>());
    private final Path directory;

    private ManyDescriptors(Path directory) {
        this.directory = directory;
    }

    /** A directory. */
    public static void main(String... arguments) throws Exception {
        new ManyDescriptors(Path.of(arguments[0])).run(Path.of(arguments[0]).resolve("daemon"));
    }

    private void run(Path target) throws Exception {
        try (RawListener daemon = RawListener.listen(target, 0600);
                Tap tap = Tap.start(directory.resolve("tap"), target, WireFormat.MODERN, StreamDecoder.USUAL_LIMIT,
                        events::add)) {
            List<RawSocket> clients = new ArrayList<>();
            List<RawSocket> servers = new ArrayList<>();
            List<Call<Integer>> sending = new ArrayList<>();
            for (int i = 0; i < 3; i++) {
                RawSocket client = RawSocket.connect(tap.socket());
                clients.add(client);
                servers.add(daemon.accept(PATIENCE));
                sending.add(Call.start(Call.On.VIRTUAL, () -> passAll(client)));
            }
            List<Integer> sent = new ArrayList<>();
            for (Call<Integer> each : sending)
                sent.add(each.result());
            beside(daemon, tap);
            leaves(daemon, tap);
            // One that receives only from some would wait in vain: the others have what is allowed.
            List<Call<Integer>> receiving = servers.stream().map(server -> Call.start(Call.On.VIRTUAL,
                    () -> receiveAll(server))).toList();
            List<Integer> received = new ArrayList<>();
            for (Call<Integer> each : receiving)
                received.add(each.result());
            System.out.println(received.equals(sent) ? "all have come, and the ends" : sent + " became " + received);
            clients.forEach(RawSocket::close);
            servers.forEach(RawSocket::close);
        }
        events.stream().map(Event::note).filter(note -> note.contains("ETOOMANYREFS")).forEach(System.out::println);
    }

    /** Until the kernel lets no more pass for a while; then it ends. */
    private static int passAll(RawSocket client) throws IOException {
        int sent = 0;
        try (Fd.Pair pipe = Fd.pipe()) {
            for (; sent < MOST; sent++)
                client.send(marked(), List.of(pipe.first()), SHORT);
        } catch (SocketTimeoutException e) {
            System.out.println(e.getMessage());
        }
        client.shutdownOutput();
        return sent;
    }

    private static byte[] marked() {
        return Event.header(WireFormat.MODERN, 1, 16, true, 0, 1);
    }

    private static int receiveAll(RawSocket server) throws IOException {
        int count = 0;
        for (;;)
            try (Chunk chunk = server.receive(PATIENCE)) {
                if (chunk == null)
                    return count;
                count += chunk.descriptors().size();
            }
    }

    private static void beside(RawListener daemon, Tap tap) throws IOException {
        try (RawSocket client = RawSocket.connect(tap.socket()); RawSocket server = daemon.accept(PATIENCE)) {
            byte[] message = Event.header(WireFormat.MODERN, 2, 16, false, 0, 1);
            client.send(message);
            server.send(server.receive(PATIENCE).bytes());
            System.out.println("another client is answered with " + client.receive(PATIENCE).bytes().length + " bytes");
        }
    }

    /** Whose daemon leaves while the tap waits to pass on. */
    private static void leaves(RawListener daemon, Tap tap) throws Exception {
        try (RawSocket client = RawSocket.connect(tap.socket())) {
            try (RawSocket _ = daemon.accept(PATIENCE); Fd.Pair pipe = Fd.pipe()) {
                client.send(marked(), List.of(pipe.first()), SHORT);
            } catch (SocketTimeoutException _) {
                // then the tap has none that it waits with
            }
            Throwable failure = Call.start(Call.On.VIRTUAL, () -> {
                for (;;)
                    client.send(new byte[16]);
            }).failure();
            System.out.println("a client whose daemon leaves: " + ((ErrnoException) failure).name());
        }
    }
}
