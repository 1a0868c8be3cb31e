package org.imsg;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.net.SocketTimeoutException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.imsg.testing.Call;
import org.imsg.unix.Child;
import org.imsg.unix.Fd;
import org.imsg.unix.FdChannel;

/** Started by {@link ResidentMemoryTest} in a JVM of its own: uses channels and prints by how many KiB the process has grown. */
public final class ResidentMemory {
    private static final int LARGE = 100_000_000;

    private ResidentMemory() {}

    public static void main(String[] arguments) throws Exception {
        int count = Integer.parseInt(arguments[1]);
        System.out.println(switch (arguments[0]) {
            case "pairs" -> pairs(count);
            case "listeners" -> listeners(count);
            case "children" -> children(count);
            case "large" -> large(count);
            case "claims" -> claims(count);
            case "dropped" -> dropped(count);
            case "replies" -> replies(count);
            case "sent" -> sent(count);
            default -> throw new IllegalArgumentException(arguments[0]);
        });
    }

    private static long residentKib() throws IOException {
        try (var lines = Files.lines(Path.of("/proc/self/status"))) {
            return lines.filter(line -> line.startsWith("VmRSS:"))
                    .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", ""))).findFirst().orElseThrow();
        }
    }

    /** Pairs opened, used both ways and closed, one after the other. */
    private static long pairs(int count) throws IOException {
        long before = 0;
        for (int i = 0; i < count; i++) {
            if (i == count / 5)
                before = residentKib();
            try (ImsgChannel.Pair pair = ImsgChannel.pair()) {
                pair.first().format(WireFormat.MODERN).allowFdPassing();
                pair.second().allowFdPassing();
                pair.first().send(Imsg.of(1, new byte[100]));
                pair.first().compose(2, 0, 0, new byte[10000]);
                pair.first().flush();
                pair.second().receive();
                pair.second().read(_ -> {});
            }
        }
        return residentKib() - before;
    }

    /** Listeners that have accepted a client each, one after the other. */
    private static long listeners(int count) throws Exception {
        Path directory = Files.createTempDirectory("imsg");
        Path path = directory.resolve("s");
        long before = 0;
        for (int i = 0; i < count; i++) {
            if (i == count / 5)
                before = residentKib();
            try (ImsgListener listener = ImsgListener.listen(path);
                    ImsgChannel client = ImsgChannel.connect(path);
                    ImsgChannel server = listener.accept()) {
                client.send(Imsg.of(1));
                server.receive();
            }
        }
        long grown = residentKib() - before;
        Files.delete(directory);
        return grown;
    }

    /** Children of a large environment, one after the other, each with a descriptor. */
    private static long children(int count) throws Exception {
        Child.Builder child = Child.of(Path.of("/bin/true")).environment("LARGE", "x".repeat(20_000));
        long before = 0;
        for (int i = 0; i < count; i++) {
            if (i == count / 5)
                before = residentKib();
            try (Fd.Pair pair = Fd.socketpair()) {
                child.descriptor(3, pair.first()).start().waitFor();
            }
        }
        return residentKib() - before;
    }

    /** Channels that have each received a large message, and stay open. */
    private static long large(int count) throws Exception {
        List<ImsgChannel.Pair> open = new ArrayList<>();
        long before = 0;
        for (int i = 0; i <= count; i++) {
            ImsgChannel.Pair pair = ImsgChannel.pair();
            open.add(pair);
            pair.first().format(WireFormat.MODERN).maxSize(LARGE).maxQueued(1 << 28);
            pair.second().format(WireFormat.MODERN).maxSize(LARGE);
            Call<Void> sending = Call.start(Call.On.PLATFORM, () -> {
                pair.first().composev(1, 0, 0, MemorySegment.ofArray(new byte[LARGE]));
                pair.first().flush();
                return null;
            });
            int[] received = {0};
            while (received[0] == 0)
                pair.second().read(message -> received[0] = message.length());
            sending.result();
            if (i == 0)
                before = residentKib();
        }
        long grown = residentKib() - before;
        for (ImsgChannel.Pair pair : open)
            pair.close();
        return grown;
    }

    /** Channels of which each had a large message taken back that had no room in time, and another one dropped, and stay open. */
    private static long dropped(int count) throws IOException {
        List<ImsgChannel.Pair> open = new ArrayList<>();
        Imsg message = Imsg.of(1, new byte[LARGE]);
        long before = 0;
        for (int i = 0; i <= count; i++) {
            ImsgChannel.Pair pair = ImsgChannel.pair();
            open.add(pair);
            ImsgChannel channel = pair.first().format(WireFormat.MODERN).maxSize(LARGE).maxQueued(1 << 28);
            do
                channel.compose(1, 0, 0, new byte[1000]);
            while (channel.write());
            channel.clear();
            try {
                channel.send(message, Duration.ZERO);
                throw new AssertionError("there was room");
            } catch (SocketTimeoutException _) {
                // taken back
            }
            channel.forward(message);
            channel.clear();
            if (i == 0)
                before = residentKib();
        }
        long grown = residentKib() - before;
        for (ImsgChannel.Pair pair : open)
            pair.close();
        return grown;
    }

    /** Channels that have sent a long queue but for a few messages, which are not sent for now. */
    private static long sent(int count) throws IOException {
        List<ImsgChannel.Pair> open = new ArrayList<>();
        byte[] payload = new byte[10_000];
        long before = 0;
        for (int i = 0; i <= count; i++) {
            ImsgChannel.Pair pair = ImsgChannel.pair();
            open.add(pair);
            ImsgChannel channel = pair.first().maxQueued(1 << 28);
            for (int n = 0; n < LARGE / payload.length; n++)
                channel.compose(n, 0, 0, payload);
            while (channel.queuedBytes() > 500_000) {
                channel.write();
                while (pair.second().poll(_ -> {}) > 0)
                    continue;
            }
            if (i == 0)
                before = residentKib();
        }
        long grown = residentKib() - before;
        for (ImsgChannel.Pair pair : open)
            pair.close();
        return grown;
    }

    /** A reply of 16 KB messages whose descriptors are taken one by one. */
    private static long replies(int count) throws Exception {
        try (ImsgChannel.Pair pair = ImsgChannel.pair(); Fd file = Fd.open(Path.of("/dev/null"))) {
            ImsgChannel channel = pair.first().allowFdPassing();
            ImsgChannel peer = pair.second().format(WireFormat.MODERN).allowFdPassing();
            Call<Void> sending = Call.start(Call.On.PLATFORM, () -> {
                for (int i = 1; i <= count; i++)
                    peer.send(Imsg.of(i == count ? 2 : 1, new byte[16000]).withFd(file.dup()));
                return null;
            });
            long before = residentKib();
            try (Stream<Imsg> reply = channel.replies(2)) {
                reply.forEach(message -> message.takeFd().close());
            }
            sending.result();
            return residentKib() - before;
        }
    }

    /** Peers that have sent a header which announces 256 MiB, and nothing else. */
    private static long claims(int count) throws IOException {
        List<AutoCloseable> open = new ArrayList<>();
        long before = residentKib();
        for (int i = 0; i < count; i++) {
            Fd.Pair sockets = Fd.socketpair();
            ImsgChannel channel = ImsgChannel.of(sockets.first()).format(WireFormat.MODERN).maxSize(1 << 28);
            FdChannel raw = new FdChannel(sockets.second());
            open.add(channel);
            open.add(raw);
            raw.write(ByteBuffer.allocate(16).order(ByteOrder.nativeOrder()).putInt(0, 1).putInt(4, 1 << 28));
            for (int n = 0; n < 3; n++)
                channel.poll(_ -> {});
        }
        long grown = residentKib() - before;
        open.forEach(ResidentMemory::close);
        return grown;
    }

    private static void close(AutoCloseable each) {
        try {
            each.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (Exception e) {
            throw new AssertionError(e);
        }
    }
}
