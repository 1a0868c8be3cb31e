package org.imsg.examples.clock;

import java.io.IOException;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetSocketAddress;
import java.net.SocketException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;

/** A time server of the tests: its clock is as wrong as they want, and it may send forged answers before the true one. */
public final class TimeServer implements AutoCloseable {
    public static final int PORT = 123;

    private final DatagramSocket socket;
    private volatile Duration ahead = Duration.ZERO;
    private volatile boolean forges;

    /** In the network of the calling thread. */
    public TimeServer() throws IOException {
        socket = new DatagramSocket(new InetSocketAddress("127.0.0.1", PORT));
        Thread.ofPlatform().daemon().name("time-server").start(this::serve);
    }

    void ahead(Duration duration) {
        ahead = duration;
    }

    void forge() {
        forges = true;
    }

    private void serve() {
        try {
            for (;;) {
                DatagramPacket question = new DatagramPacket(new byte[Question.LENGTH], Question.LENGTH);
                socket.receive(question);
                long cookie = ByteBuffer.wrap(question.getData()).getLong(40);
                if (forges) {
                    send(answer(cookie + 1, 1, 4), question, Question.LENGTH);
                    send(answer(cookie, 1, 3), question, Question.LENGTH);
                    send(answer(cookie, 16, 4), question, Question.LENGTH);
                    send(answer(cookie, 1, 4), question, Question.LENGTH - 1);
                    send(answer(cookie, 1, 4), question, 0);
                    ahead = Duration.ZERO;
                }
                send(answer(cookie, 1, 4), question, Question.LENGTH);
            }
        } catch (SocketException _) {
            // closed
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    private byte[] answer(long cookie, int stratum, int mode) {
        long now = Question.timestamp(Instant.now().plus(ahead));
        return ByteBuffer.allocate(Question.LENGTH).put(0, (byte) (4 << 3 | mode)).put(1, (byte) stratum)
                .putLong(24, cookie).putLong(32, now).putLong(40, now).array();
    }

    private void send(byte[] answer, DatagramPacket question, int length) throws IOException {
        socket.send(new DatagramPacket(Arrays.copyOf(answer, length), length, question.getSocketAddress()));
    }

    @Override
    public void close() {
        socket.close();
    }
}
