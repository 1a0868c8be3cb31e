package org.imsg.netty;

import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelOutboundBuffer;
import io.netty.channel.unix.IovArray;
import io.netty.util.concurrent.FastThreadLocal;
import java.io.IOException;
import org.imsg.sys.Constants;
import org.imsg.sys.Msghdr;
import org.imsg.sys.Posix;

/** send(2) and sendmsg(2) for the channels of one event loop: they use it within a call only, so ten thousand share one. */
class Sendmsg implements AutoCloseable {
    static final FastThreadLocal<Sendmsg> OF_LOOP = new FastThreadLocal<>() {
        @Override
        protected Sendmsg initialValue() {
            return new Sendmsg();
        }

        @Override
        protected void onRemoval(Sendmsg sendmsg) {
            sendmsg.close();
        }
    };

    private static final int MOST_PIECES = 256;

    private final Msghdr header = Msghdr.forSend();
    private final IovArray pieces = new IovArray(MOST_PIECES);

    Sendmsg() {
        // The count of bytes sent is an int.
        pieces.maxBytes(Integer.MAX_VALUE);
    }

    /** Bytes of one buffer, with a descriptor if it is not -1. {@return how many were sent, or the negative errno} */
    int send(int fd, ByteBuf bytes, int descriptor) {
        int length = bytes.readableBytes();
        long address = SocketCalls.address(bytes, bytes.readerIndex(), length);
        return descriptor < 0
                ? Posix.send(header.errno(), fd, address, length, Constants.MSG_DONTWAIT | Constants.MSG_NOSIGNAL)
                : header.send(fd, address, length, descriptor, Constants.MSG_DONTWAIT);
    }

    /** The flushed ByteBufs up to the first descriptor. {@return how many bytes were sent, or the negative errno} */
    int send(int fd, ChannelOutboundBuffer queue) throws IOException {
        pieces.clear();
        try {
            queue.forEachFlushedMessage(pieces);
        } catch (IOException | RuntimeException e) {
            throw e;
        } catch (Exception e) {
            throw new IOException(e);
        }
        return header.sendGathered(fd, pieces.memoryAddress(0), pieces.count(), Constants.MSG_DONTWAIT);
    }

    @Override
    public void close() {
        header.close();
        pieces.release();
    }
}
