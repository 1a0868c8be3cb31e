package org.imsg;

import java.io.IOException;
import java.net.SocketTimeoutException;
import java.nio.channels.AsynchronousCloseException;
import java.nio.file.Path;
import java.time.Duration;
import org.imsg.sys.RawSend;
import org.imsg.unix.Fd;
import org.imsg.unix.UnixAddress;

/** A program in which everything happens once that the flight recorder is shown: what FlightRecorderTest starts. */
final class Recorded {
    private static final Duration MOST = Duration.ofMinutes(1);

    private Recorded() {}

    public static void main(String[] arguments) throws Exception {
        if (arguments.length == 2)
            busy(Integer.parseInt(arguments[1]));
        messages();
        room();
        descriptors();
        connections(arguments[0]);
        System.out.println("done");
    }

    /** No more than a socket holds. */
    private static void busy(int messages) throws IOException {
        try (var pair = ImsgChannel.pair()) {
            for (int i = 0; i < messages; i++)
                pair.first().compose(1, i, 0, new byte[0]);
            pair.first().flush();
            for (int read = 0; read < messages;)
                read += pair.second().read(_ -> {});
        }
    }

    /** Type 7 with a descriptor by the simple path; 8 and 9, of 20 and 16 bytes, by the fast path. */
    private static void messages() throws IOException {
        try (var pair = ImsgChannel.pair();
                Imsg first = Imsg.of(7, 70, 0, new byte[2]).withFd(Fd.open(Path.of("/dev/null")))) {
            pair.first().format(WireFormat.MODERN).allowFdPassing();
            pair.second().allowFdPassing();
            pair.first().send(first);
            pair.second().receive().close();
            pair.first().compose(8, -1, 0, new byte[4]);
            pair.first().compose(9, 0, 0, new byte[0]);
            pair.first().flush();
            pair.second().read(message -> {
                if (message.type() == 9)
                    throw new IOException("a handler's own");
            });
        } catch (IOException e) {
            if (!e.getMessage().equals("a handler's own"))
                throw e;
        }
    }

    /** Waits for room until the channel is closed, then until the peer reads; and a message of type 11 that finds none. */
    private static void room() throws Exception {
        try (var pair = ImsgChannel.pair()) {
            Thread flushing = waitingForRoom(pair.first());
            pair.first().close();
            flushing.join();
        }
        try (var pair = ImsgChannel.pair()) {
            Thread flushing = waitingForRoom(pair.first());
            for (int read = 0; read < 500;)
                read += pair.second().read(_ -> {});
            flushing.join();
        }
        try (var pair = ImsgChannel.pair()) {
            pair.first().maxQueued(20).compose(11, 0, 0, new byte[4]);
            pair.first().compose(11, 0, 0, new byte[100]);
            throw new AssertionError("there was room");
        } catch (ImsgQueueFullException _) {
            // as it should
        }
    }

    /** Sends 500 messages of type 10, which no socket holds, in a thread that waits for the peer when this returns. */
    private static Thread waitingForRoom(ImsgChannel channel) throws IOException {
        for (int i = 0; i < 500; i++)
            channel.compose(10, i, 0, new byte[10_000]);
        Thread flushing = Thread.ofVirtual().start(() -> {
            try {
                channel.flush();
            } catch (AsynchronousCloseException _) {
                // as it should
            } catch (IOException e) {
                throw new AssertionError(e);
            }
        });
        while (flushing.getState() != Thread.State.WAITING)
            Thread.onSpinWait();
        return flushing;
    }

    /** Type 12 whose descriptor is not taken, type 13 that comes without one, and type 14 with two too many. */
    private static void descriptors() throws IOException {
        try (var pair = ImsgChannel.pair();
                Imsg sent = Imsg.of(12, 120, 0, new byte[0]).withFd(Fd.open(Path.of("/dev/null")))) {
            pair.first().format(WireFormat.MODERN).allowFdPassing();
            pair.first().send(sent);
            pair.second().receive();
        }
        Fd.Pair pair = Fd.socketpair();
        try (Fd raw = pair.first();
                ImsgChannel channel = ImsgChannel.of(pair.second()).allowFdPassing();
                Fd one = Fd.open(Path.of("/dev/null"))) {
            RawSend.send(raw.intValue(), RawPeer.header(13, 16 | RawPeer.MODERN_MARK));
            channel.read(_ -> {});
            int[] three = {one.intValue(), one.intValue(), one.intValue()};
            RawSend.send(raw.intValue(), RawPeer.header(14, 16 | RawPeer.MODERN_MARK), three);
            channel.read(_ -> {});
        }
    }

    /** Two that are accepted, by a caller and by serve; two that are refused, as not allowed and as one too many. */
    private static void connections(String name) throws Exception {
        UnixAddress address = UnixAddress.ofAbstract(name);
        ImsgListener listener = ImsgListener.at(address).listen();
        Thread serving = Thread.ofVirtual().unstarted(() -> {
            try {
                listener.serve((channel, _) -> channel.receive());
            } catch (IOException e) {
                throw new AssertionError(e);
            }
        });
        try {
            listener.allow(_ -> false);
            try (ImsgChannel _ = ImsgChannel.connect(address, MOST)) {
                listener.accept(Duration.ZERO);
            } catch (SocketTimeoutException _) {
                // as it should
            }
            listener.allow(_ -> true).maxConnectionsOfUid(1);
            try (ImsgChannel _ = ImsgChannel.connect(address, MOST)) {
                listener.accept().close();
            }
            serving.start();
            try (ImsgChannel _ = ImsgChannel.connect(address, MOST);
                    ImsgChannel second = ImsgChannel.connect(address, MOST)) {
                second.receive();
            }
        } finally {
            listener.close();
            serving.join();
        }
    }
}
