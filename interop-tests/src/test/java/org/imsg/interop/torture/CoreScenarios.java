package org.imsg.interop.torture;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import org.imsg.Imsg;
import org.imsg.ImsgChannel;
import org.imsg.ImsgListener;
import org.imsg.WireFormat;
import org.imsg.unix.Child;
import org.imsg.unix.Fd;
import org.imsg.unix.FdChannel;
import org.imsg.unix.OpenFlag;

/** What programs do with org.imsg and org.imsg.unix. */
final class CoreScenarios {
    private static final int MESSAGES = 6, LARGE = 15000, MANY = 40;
    private static final Path NULL = Path.of("/dev/null");

    private CoreScenarios() {}

    /** By name, in the order they are tried. */
    static Map<String, Scenario> all() {
        Map<String, Scenario> all = new LinkedHashMap<>();
        all.put("pair", CoreScenarios::pair);
        all.put("batch", CoreScenarios::batch);
        all.put("daemon", (directory, told) -> daemon(directory, told, Thread.ofPlatform()));
        all.put("virtual", (directory, told) -> daemon(directory, told, Thread.ofVirtual()));
        all.put("full", (_, told) -> full(told, Thread.ofPlatform()));
        all.put("full-virtual", (_, told) -> full(told, Thread.ofVirtual()));
        all.put("descriptors", CoreScenarios::descriptors);
        all.put("child", CoreScenarios::child);
        return all;
    }

    private static byte[] payload(int id) {
        byte[] payload = new byte[id % 3 == 2 ? LARGE : id];
        Arrays.fill(payload, (byte) id);
        return payload;
    }

    private static Imsg message(int id) throws IOException {
        Imsg message = Imsg.of(1, id, 0, payload(id));
        return id % 2 == 0 ? message.withFd(openNull()) : message;
    }

    static Fd openNull() throws IOException {
        return Fd.open(NULL);
    }

    /** The next of the messages, whole; its descriptor may have been lost, and then says so. */
    private static void expect(ImsgChannel channel, int id) throws IOException {
        try (Imsg message = channel.receive()) {
            if (message == null)
                throw new EarlyEnd();
            if (message.id() != id || !Arrays.equals(message.payload(), payload(id)))
                throw new AssertionError("message " + id + " came as " + message);
            if (id % 2 == 0 && !message.hasFd() && message.descriptor().name().matches("NONE|TAKEN"))
                throw new AssertionError("message " + id + " has lost its descriptor in silence: " + message);
        }
    }

    /** The clean end of a stream before all has come: only right if the other end was told of a failure. */
    static final class EarlyEnd extends IOException {
        private static final long serialVersionUID = 1;
    }

    private static void pair(Path directory, Told told) throws Exception {
        try (ImsgChannel.Pair pair = ImsgChannel.pair()) {
            ImsgChannel sender = pair.first().allowFdPassing().format(WireFormat.MODERN);
            ImsgChannel receiver = pair.second().allowFdPassing().format(WireFormat.MODERN);
            for (int id = 0; id < MESSAGES; id++) {
                try (Imsg message = message(id)) {
                    sender.send(message);
                }
                expect(receiver, id);
            }
            sender.shutdownOutput();
            if (receiver.receive() != null)
                throw new AssertionError("a message after the end");
        }
    }

    private static void batch(Path directory, Told told) throws Exception {
        try (ImsgChannel.Pair pair = ImsgChannel.pair()) {
            ImsgChannel sender = pair.first().allowFdPassing().format(WireFormat.MODERN);
            ImsgChannel receiver = pair.second().allowFdPassing().format(WireFormat.MODERN);
            for (int id = 0; id < MESSAGES; id++) {
                Fd fd = id % 2 == 0 ? Fd.open(NULL) : null;
                sender.compose(1, id, 0, fd, payload(id));
            }
            sender.flush();
            for (int id = 0; id < MESSAGES; id++)
                expect(receiver, id);
        }
    }

    /** More than the socket holds is queued, and flushed while it is read. */
    private static void full(Told told, Thread.Builder threads) throws Exception {
        try (ImsgChannel.Pair pair = ImsgChannel.pair()) {
            for (int i = 0; i < MANY; i++)
                pair.first().compose(1, 2, 0, null, payload(2));
            if (pair.first().write())
                throw new AssertionError("the socket holds all of it");
            Thread sender = threads.start(() -> {
                try (ImsgChannel channel = pair.first()) {
                    channel.flush();
                } catch (Throwable t) {
                    told.add(t);
                }
            });
            try (ImsgChannel receiver = pair.second()) {
                for (int i = 0; i < MANY; i++)
                    receive(receiver, 2);
                if (receiver.receive() != null)
                    throw new AssertionError("a message after the end");
            } finally {
                sender.join();
            }
        }
    }

    private static void receive(ImsgChannel channel, int id) throws IOException {
        try (Imsg message = channel.receive()) {
            if (message == null)
                throw new EarlyEnd();
            if (message.id() != id || !Arrays.equals(message.payload(), payload(id)))
                throw new AssertionError("message " + id + " came as " + message);
        }
    }

    private static void daemon(Path directory, Told told, Thread.Builder threads) throws Exception {
        ImsgListener listener = ImsgListener.listen(directory.resolve("socket"));
        Thread server = threads.start(() -> {
            try {
                listener.serve((client, _) -> echo(client.allowFdPassing().format(WireFormat.MODERN), told));
            } catch (Throwable t) {
                told.add(t);
            }
        });
        try {
            Thread client = threads.unstarted(() -> {
                try {
                    ask(directory.resolve("socket"));
                } catch (Throwable t) {
                    told.add(t);
                }
            });
            client.start();
            client.join();
        } finally {
            listener.close();
            server.join();
        }
    }

    private static void ask(Path socket) throws IOException {
        try (ImsgChannel channel = ImsgChannel.connect(socket)) {
            ask(channel.allowFdPassing().format(WireFormat.MODERN));
        }
    }

    /** Sends messages and expects each back. */
    static void ask(ImsgChannel channel) throws IOException {
        for (int id = 0; id < MESSAGES; id++) {
            try (Imsg message = message(id)) {
                channel.send(message);
            }
            expect(channel, id);
        }
    }

    /** The same with those that have no descriptor. */
    static void askPlain(ImsgChannel channel) throws IOException {
        for (int id = 1; id < 2 * MESSAGES; id += 2) {
            try (Imsg message = message(id)) {
                channel.send(message);
            }
            expect(channel, id);
        }
    }

    private static void echo(ImsgChannel client, Told told) throws IOException {
        try {
            for (Imsg message; (message = client.receive()) != null;) {
                try (Imsg received = message; Imsg answer = answer(received)) {
                    client.send(answer);
                }
            }
        } catch (ClosedChannelException e) {
            throw e; // the listener was closed before the end of the stream was seen
        } catch (Throwable t) {
            told.add(t);
            throw t;
        }
    }

    /** An answer to a message whose descriptor was lost carries another, so that the client sees no difference. */
    private static Imsg answer(Imsg received) throws IOException {
        Imsg answer = Imsg.of(received.type(), received.id(), 0, received.payload());
        if (received.hasFd())
            return answer.withFd(received.takeFd());
        return received.id() % 2 == 0 ? answer.withFd(Fd.open(NULL)) : answer;
    }

    private static void descriptors(Path directory, Told told) throws Exception {
        Path file = directory.resolve("file");
        try (FdChannel written = new FdChannel(Fd.open(file, OpenFlag.WRITE, OpenFlag.CREATE))) {
            ByteBuffer text = ByteBuffer.wrap("text".getBytes());
            while (text.hasRemaining())
                written.write(text);
        } finally {
            java.nio.file.Files.deleteIfExists(file);
        }
        try (Fd.Pair pipe = Fd.pipe();
                FdChannel reader = new FdChannel(pipe.first().dup());
                FdChannel writer = new FdChannel(pipe.second().dup())) {
            writer.write(ByteBuffer.wrap(new byte[]{1, 2, 3}));
            ByteBuffer read = ByteBuffer.allocate(3);
            while (read.hasRemaining())
                if (reader.read(read) == -1)
                    throw new EarlyEnd();
            if (read.get(0) != 1 || read.get(2) != 3)
                throw new AssertionError("other bytes came");
        }
    }

    private static void child(Path directory, Told told) throws Exception {
        try (Fd.Pair pair = Fd.socketpair()) {
            Child child = Child.of(Path.of("/bin/true")).descriptor(3, pair.second()).start();
            if (!child.waitFor().toString().contains("0"))
                throw new AssertionError("true has ended otherwise");
        }
    }
}
