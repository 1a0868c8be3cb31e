package org.imsg;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.stream.IntStream;
import org.imsg.sys.RawSend;
import org.imsg.unix.Fd;

/**
 * A channel, and at its other end a peer that puts bytes on the wire as it likes: one that is not ours, or misbehaves. Headers
 * are written in the machine's byte order.
 */
final class RawPeer implements AutoCloseable {
    /** The mark of a descriptor in the length of a MODERN header. */
    static final int MODERN_MARK = 0x8000_0000;

    final ImsgChannel channel;
    private final Fd socket;

    private RawPeer(Fd.Pair pair) throws IOException {
        channel = ImsgChannel.of(pair.first());
        socket = pair.second();
    }

    static RawPeer connected() throws IOException {
        return new RawPeer(Fd.socketpair());
    }

    /** A header whose bytes 4 to 7 are a word of the caller's, be it a possible length or not. */
    static byte[] header(int type, int word) {
        return ByteBuffer.allocate(16).order(ByteOrder.nativeOrder()).putInt(type).putInt(word).putInt(0).putInt(0)
                .array();
    }

    /** A message as it should be. */
    static byte[] message(int type, byte... payload) {
        return join(header(type, 16 + payload.length), payload);
    }

    static byte[] join(byte[]... parts) {
        int length = IntStream.range(0, parts.length).map(i -> parts[i].length).sum();
        ByteBuffer joined = ByteBuffer.allocate(length);
        for (byte[] part : parts)
            joined.put(part);
        return joined.array();
    }

    /** One sendmsg(2); the descriptors stay the caller's. */
    void send(byte[] bytes, Fd... descriptors) {
        int[] numbers = new int[descriptors.length];
        for (int i = 0; i < numbers.length; i++)
            numbers[i] = descriptors[i].intValue();
        assertThat(RawSend.send(socket.intValue(), bytes, numbers)).isEqualTo(bytes.length);
    }

    /** What the channel under test has written, as bytes. */
    byte[] receive(int count) throws IOException {
        var bytes = ByteBuffer.allocate(count);
        try (var reader = new org.imsg.unix.FdChannel(socket.dup())) {
            while (bytes.hasRemaining() && reader.read(bytes) > 0) {
                // until all is there
            }
        }
        return bytes.array();
    }

    /** The peer dies: what it has not read yet is thrown away by the kernel. */
    void die() {
        socket.close();
    }

    @Override
    public void close() throws IOException {
        try (channel) {
            socket.close();
        }
    }
}
