package org.imsg;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.imsg.testing.Call;
import org.imsg.unix.UnixAddress;

/**
 * Thousands of virtual threads, each waiting in receive() on a channel of its own, and two others that work meanwhile; run by
 * ManyVirtualThreadsTest in a JVM with two carriers, its peer at the other end of every channel.
 */
final class ManyVirtualThreads {
    /** From this program: everybody waits, and others have made progress. */
    static final int ALL_WAIT = 1;
    /** From this program: everybody has received. Its payload is how many. */
    static final int ALL_RECEIVED = 2;

    private static final AtomicInteger RECEIVED = new AtomicInteger();

    private ManyVirtualThreads() {}

    public static void main(String[] arguments) throws Exception {
        UnixAddress address = UnixAddress.ofAbstract(arguments[0]);
        int count = Integer.parseInt(arguments[1]);
        try (ImsgChannel control = connect(address)) {
            List<Thread> waiting = new ArrayList<>();
            for (int i = 0; i < count; i++) {
                ImsgChannel channel = connect(address);
                waiting.add(Thread.ofVirtual().start(() -> answerOnce(channel)));
            }
            Call.until(() -> waiting.stream().allMatch(thread -> thread.getState() == Thread.State.WAITING));
            playPingPong();
            control.send(Imsg.of(ALL_WAIT));
            for (Thread thread : waiting)
                thread.join();
            control.send(Imsg.of(ALL_RECEIVED, Ibuf.open(4).addN32(RECEIVED.get()).get(4)));
            control.receive();
        }
    }

    private static ImsgChannel connect(UnixAddress address) throws IOException {
        return ImsgChannel.connect(address, Duration.ofMinutes(1));
    }

    private static void answerOnce(ImsgChannel channel) {
        try (channel) {
            Imsg message = channel.receive();
            channel.send(Imsg.of(message.type() + 1));
            RECEIVED.incrementAndGet();
        } catch (IOException e) {
            e.printStackTrace();
        }
    }

    private static void playPingPong() throws Exception {
        try (var pair = ImsgChannel.pair()) {
            Call<Integer> pong = Call.start(Call.On.VIRTUAL, () -> {
                for (Imsg ball; (ball = pair.second().receive()) != null;)
                    pair.second().send(ball);
                return 0;
            });
            Call<Integer> ping = Call.start(Call.On.VIRTUAL, () -> {
                for (int i = 0; i < 1000; i++) {
                    pair.first().send(Imsg.of(i));
                    if (pair.first().receive().type() != i)
                        throw new AssertionError("another ball came back");
                }
                pair.first().close();
                return 0;
            });
            ping.result();
            pong.result();
        }
    }
}
