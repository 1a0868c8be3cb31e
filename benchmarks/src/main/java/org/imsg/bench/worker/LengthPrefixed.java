package org.imsg.bench.worker;

import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;

/** A blocking SocketChannel with a length of four bytes before each message, over direct buffers of 64 KiB. */
abstract class LengthPrefixed<C extends SocketChannel> implements WorkerTransport {
    private static final int PREFIX = 4;
    private static final int BUFFER = 65536;

    final Tally tally = new Tally();
    private final ServerSocketChannel server;
    private final byte[] payload;
    private final int gathered;
    private final int every;
    private final ByteBuffer out;
    private final ByteBuffer in = ByteBuffer.allocateDirect(BUFFER);
    private C channel;

    /** With a server to accept one connection from, or a connection: the other is null. */
    LengthPrefixed(Job job, ServerSocketChannel server, C channel) {
        this.server = server;
        this.channel = channel;
        payload = job.payload();
        gathered = job.gathered(PREFIX);
        every = job.every();
        out = ByteBuffer.allocateDirect(gathered * (PREFIX + job.size()));
    }

    /** The next server side connection. */
    abstract C accepted(SocketChannel connection) throws IOException;

    /** The next write is to carry a descriptor. */
    abstract void attachDescriptor(C connection) throws IOException;

    /** Counts and closes the descriptors that came with the last read. */
    abstract void takeDescriptors(C connection) throws IOException;

    @Override
    public void send(long count) throws IOException {
        int queued = 0;
        for (long k = 0; k < count; k++) {
            if (every > 0 && k % every == 0) {
                write();
                queued = 0;
                attachDescriptor(channel);
            }
            out.putInt(payload.length).put(payload);
            if (++queued == gathered) {
                write();
                queued = 0;
            }
        }
        write();
    }

    private void write() throws IOException {
        out.flip();
        while (out.hasRemaining())
            channel.write(out);
        out.clear();
    }

    @Override
    public void receive(long count) throws IOException {
        if (channel == null)
            channel = accepted(server.accept());
        long until = tally.messages + count;
        while (tally.messages < until) {
            if (channel.read(in) < 0)
                throw new EOFException();
            if (every > 0)
                takeDescriptors(channel);
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
