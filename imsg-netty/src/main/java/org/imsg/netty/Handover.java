package org.imsg.netty;

import io.netty.channel.unix.UnixChannel;
import java.io.IOException;
import java.nio.channels.ClosedChannelException;
import org.imsg.unix.Fd;

/**
 * Sockets of Netty's own channels that go to another process, or have come from one. Stateless.
 *
 * <p>To give a connection away in mid-stream without losing a byte: switch auto-read off, {@code deregister()} the channel and
 * wait for that, {@link #descriptorOf(UnixChannel)} it, send that together with the bytes that were read and not answered, then close the
 * channel, which leaves the connection open. To take it over: {@link #forNetty(Fd)} the descriptor, make a channel of the number with
 * auto-read off, register it, fire the bytes that came along as its first read, then switch auto-read on. Those bytes may be more
 * than the 16 KiB of a message by default: see {@link ImsgCodec#maxSize(int)}.
 *
 * <p>The process that gives it away:
 * {@snippet file="org/imsg/netty/LineAnswers.java" region="away"}
 *
 * <p>The process that goes on with it:
 * {@snippet file="org/imsg/netty/Worker.java" region="connection"}
 *
 * <p>A listening socket that another process bound:
 * {@snippet file="org/imsg/netty/Worker.java" region="listener"}
 */
public final class Handover {
    private Handover() {}

    /**
     * A second descriptor of a channel's socket, to be passed on.
     *
     * @param channel an open channel of a native transport, which its event loop does not close meanwhile; stays as it is
     * @return the descriptor, the caller's
     * @throws IOException if the channel is closed, a {@link ClosedChannelException}, or there is no room in the descriptor
     *     table, an {@link org.imsg.unix.ErrnoException}
     */
    public static Fd descriptorOf(UnixChannel channel) throws IOException {
        if (channel instanceof ImsgSocketChannel ours)
            return ours.socket().dup();
        // The number may be another file's by now.
        if (!channel.isOpen())
            throw new ClosedChannelException();
        Fd borrowed = Fd.of(channel.fd().intValue());
        try {
            return borrowed.dup();
        } finally {
            borrowed.release();
        }
    }

    /**
     * The number of a received descriptor, for a constructor such as {@code EpollServerSocketChannel(int)}. The socket is made
     * non-blocking, which Netty's channels rely on; that holds for every process that has it.
     *
     * @param socket the descriptor; given away to the channel that is made of it
     * @return the number
     * @throws IOException if it is closed or cannot be made non-blocking; it stays the caller's then
     */
    public static int forNetty(Fd socket) throws IOException {
        SocketCalls.nonBlocking(socket);
        return socket.release();
    }
}
