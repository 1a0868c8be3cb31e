package org.imsg.bench.soak;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.Random;
import org.imsg.Imsg;
import org.imsg.ImsgChannel;
import org.imsg.unix.Fd;
import org.imsg.unix.FdChannel;
import org.imsg.unix.UnixAddress;

/** A client that asks with descriptors, reads no answer, and ends within a message. */
final class DyingClient {
    private static final int QUESTIONS = 4, PAYLOAD = 100;

    private DyingClient() {}

    static void die(Path socket, Random random, Tally tally) throws IOException {
        try (ImsgChannel channel = ImsgChannel.connect(UnixAddress.of(socket), Conversation.PATIENCE)) {
            channel.format(Conversation.format(random)).allowFdPassing();
            begin(channel, random);
        }
        tally.deaths.incrementAndGet();
    }

    private static void begin(ImsgChannel channel, Random random) {
        try (FdChannel raw = new FdChannel(channel.dup())) {
            for (int id = random.nextInt(QUESTIONS); id > 0; id--)
                try (Fd.Pair pipe = Fd.pipe();
                        Imsg ask = Imsg.of(EchoService.ASK, id, 0, new byte[PAYLOAD]).withFd(pipe.second())) {
                    channel.send(ask, Conversation.PATIENCE);
                }
            int whole = ImsgChannel.HEADER_SIZE + PAYLOAD;
            raw.write(ByteBuffer.allocate(whole).order(ByteOrder.nativeOrder()).putInt(EchoService.ASK).putInt(whole)
                    .putInt(1).putInt(1).position(0).limit(1 + random.nextInt(whole - 1)));
        } catch (IOException _) {
            // The pipe has no reader any more, for which the server may end the connection first.
        }
    }
}
