package org.imsg;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import org.imsg.testing.Call;
import org.imsg.unix.Fd;

/** Started by {@link ScarcityTest} in a JVM with a small heap: receives a message that does not fit until something is let go. */
public final class LargerThanHeap {
    private static final int LENGTH = 20 << 20;
    private static byte[][] taken;

    private LargerThanHeap() {}

    public static void main(String[] arguments) throws Exception {
        taken = new byte[][]{new byte[LENGTH / 2], new byte[LENGTH / 2], new byte[LENGTH / 2]};
        try (ImsgChannel.Pair pair = ImsgChannel.pair(); Fd file = Fd.open(Path.of("/dev/null"))) {
            for (ImsgChannel end : new ImsgChannel[]{pair.first(), pair.second()})
                end.format(WireFormat.MODERN).maxSize(LENGTH).maxQueued(2 * LENGTH).allowFdPassing();
            Call<Void> sending = Call.start(Call.On.PLATFORM, () -> send(pair.first(), file));
            try {
                System.out.print(pair.second().receive());
            } catch (OutOfMemoryError _) {
                System.out.print("refused, then ");
            }
            taken = null;
            try (Imsg message = pair.second().receive()) {
                boolean whole = message.id() == 5 && message.hasFd() && message.length() == LENGTH;
                System.out.println(whole ? "whole" : message);
            }
            sending.result();
        }
    }

    private static Void send(ImsgChannel channel, Fd file) throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment payload = arena.allocate(LENGTH);
            channel.composev(1, 5, 0, file, payload);
            channel.flush();
            return null;
        }
    }
}
