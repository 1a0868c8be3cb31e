package org.imsg.bench.worker;

import java.io.EOFException;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;

/** The JDK's own SocketChannel, with a length of four bytes before each message, over direct buffers of 64 KiB. */
final class JdkTransport implements Transport {
    private static final int PREFIX = 4;
    private static final int BUFFER = 65536;

    private final Tally tally = new Tally();
    private final ServerSocketChannel server;
    private final byte[] payload;
    private final int gathered;
    private final ByteBuffer out;
    private final ByteBuffer in;
    private SocketChannel channel;

    JdkTransport(Job job) throws IOException {
        UnixDomainSocketAddress address = UnixDomainSocketAddress.of(job.path());
        payload = job.payload();
        gathered = job.gathered(PREFIX);
        out = ByteBuffer.allocateDirect(gathered * (PREFIX + job.size()));
        in = ByteBuffer.allocateDirect(BUFFER);
        if (job.listens()) {
            server = ServerSocketChannel.open(StandardProtocolFamily.UNIX).bind(address);
        } else {
            server = null;
            channel = SocketChannel.open(address);
        }
    }

    @Override
    public void send(long count) throws IOException {
        int queued = 0;
        for (long k = 0; k < count; k++) {
            out.putInt(payload.length).put(payload);
            if (++queued == gathered || k + 1 == count) {
                out.flip();
                while (out.hasRemaining())
                    channel.write(out);
                out.clear();
                queued = 0;
            }
        }
    }

    @Override
    public void receive(long count) throws IOException {
        if (channel == null)
            channel = server.accept();
        long until = tally.messages + count;
        while (tally.messages < until) {
            if (channel.read(in) < 0)
                throw new EOFException();
            in.flip();
            takeAll();
            in.compact();
        }
    }

    private void takeAll() {
        int at = in.position();
        while (in.limit() - at >= PREFIX) {
            int length = in.getInt(at);
            if (in.limit() - at - PREFIX < length)
                break;
            tally.messages++;
            if (length > 0)
                tally.sum += in.get(at + PREFIX) & 0xFF;
            at += PREFIX + length;
        }
        in.position(at);
    }

    @Override
    public Tally tally() {
        return tally;
    }
}
