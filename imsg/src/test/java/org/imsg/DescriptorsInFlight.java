package org.imsg;

import java.io.IOException;
import java.net.SocketTimeoutException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.imsg.testing.Call;
import org.imsg.unix.Fd;

/**
 * Sends descriptors that are not received until the kernel takes no more (ETOOMANYREFS); run by {@link SendOutcomeTest} in a JVM
 * that has few descriptors and no privilege to pass more.
 */
final class DescriptorsInFlight {
    private static final Path NULL = Path.of("/dev/null");
    private static final Duration SHORT = Duration.ofMillis(20);

    private DescriptorsInFlight() {}

    public static void main(String[] arguments) throws Exception {
        List<ImsgChannel.Pair> pairs = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
            pairs.add(ImsgChannel.pair());
            pairs.get(i).first().format(WireFormat.MODERN).allowFdPassing();
            pairs.get(i).second().allowFdPassing();
        }
        int sent = 0;
        while (isSent(pairs.get(sent % pairs.size()).first()))
            sent++;
        ImsgChannel channel = pairs.get(sent % pairs.size()).first();
        channel.compose(2, 0, 0, Fd.open(NULL), new byte[0]);
        System.out.println("write: " + (channel.write() ? "nothing" : "something") + " is left");
        try {
            channel.flush(SHORT);
        } catch (ImsgQueuedException e) {
            System.out.println("flush: " + e.messages() + " queued");
        }
        Call<Void> waiting = Call.<Void>start(Call.On.PLATFORM, () -> {
            channel.flush();
            return null;
        }).awaitWaiting();
        // Each has at least one, unless another process of this user has taken what the kernel allows.
        for (ImsgChannel.Pair pair : pairs)
            pair.second().receive(Duration.ofSeconds(20)).close();
        waiting.result();
        System.out.println("all sent once the peers have read");
    }

    private static boolean isSent(ImsgChannel channel) throws IOException {
        try (Imsg message = Imsg.of(1).withFd(Fd.open(NULL))) {
            channel.send(message, SHORT);
            return true;
        } catch (SocketTimeoutException _) {
            System.out.println("timed out, nothing taken");
            return false;
        }
    }
}
