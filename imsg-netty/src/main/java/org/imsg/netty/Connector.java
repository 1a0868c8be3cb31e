package org.imsg.netty;

import io.netty.channel.ChannelPromise;
import io.netty.channel.ConnectTimeoutException;
import io.netty.channel.EventLoop;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.net.ConnectException;
import java.net.SocketAddress;
import java.nio.channels.AlreadyConnectedException;
import java.nio.channels.ConnectionPendingException;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.imsg.sys.Constants;
import org.imsg.unix.ErrnoException;
import org.jspecify.annotations.Nullable;

/**
 * Connects a channel. A Unix socket connects at once or fails at once, but for a listener whose backlog is full: Linux says
 * EAGAIN then, and no event tells when there is room, so the attempt is repeated with growing pauses.
 */
final class Connector {
    private static final long FIRST_PAUSE_NANOS = TimeUnit.MICROSECONDS.toNanos(500);
    private static final long LONGEST_PAUSE_NANOS = TimeUnit.MILLISECONDS.toNanos(20);

    private final ImsgSocketChannel channel;
    private @Nullable ChannelPromise promise;
    private @Nullable SocketAddress to;
    private @Nullable Future<?> attempt;
    private long started;
    private long pause;

    Connector(ImsgSocketChannel channel) {
        this.channel = channel;
    }

    void bind(SocketAddress local) throws IOException {
        SocketCalls.bind(channel.socket(), local);
    }

    void connect(SocketAddress remote, SocketAddress local, ChannelPromise connected) {
        try {
            if (promise != null)
                throw new ConnectionPendingException();
            if (channel.isActive())
                throw new AlreadyConnectedException();
            if (local != null)
                channel.doBind(local);
        } catch (IOException | RuntimeException | Error e) {
            connected.tryFailure(e);
            return;
        }
        promise = connected;
        to = remote;
        started = System.nanoTime();
        pause = FIRST_PAUSE_NANOS;
        connected.addListener(future -> {
            if (future.isCancelled())
                channel.unsafe().close(channel.unsafe().voidPromise());
        });
        attempt();
    }

    /** The channel is on another loop now, where it is registered soon; the one that had the next attempt may end before it. */
    void moved() {
        if (attempt != null)
            attempt.cancel(false);
        if (promise != null)
            channel.eventLoop().execute(this::attempt);
    }

    private void attempt() {
        EventLoop loop = channel.eventLoop();
        if (!loop.inEventLoop() || promise == null)
            return;
        try {
            // A channel between two loops only waits: it would be active before its handlers see it registered.
            int result = channel.isOnItsLoop() ? SocketCalls.connect(channel.socket(), to) : -Constants.EAGAIN;
            if (result == 0)
                succeed();
            else if (result == -Constants.EAGAIN)
                wait(loop);
            else
                throw refused(new ErrnoException("connect", to, -result));
        } catch (IOException | RuntimeException | Error e) {
            fail(e);
        }
    }

    /** In the types that Netty's channels fail with, which code that tries again looks for; the errno is the cause's. */
    private static IOException refused(ErrnoException cause) {
        IOException refused = cause.number() == Constants.ENOENT
                ? new FileNotFoundException(cause.getMessage())
                : new ConnectException(cause.getMessage());
        refused.initCause(cause);
        return refused;
    }

    private void wait(EventLoop loop) {
        long timeout = TimeUnit.MILLISECONDS.toNanos(channel.config().getConnectTimeoutMillis());
        long left = started + timeout - System.nanoTime();
        if (timeout > 0 && left <= 0) {
            fail(new ConnectTimeoutException("no room in the backlog of " + to + " within "
                    + channel.config().getConnectTimeoutMillis() + " ms"));
            return;
        }
        attempt = loop.schedule(this::attempt, timeout > 0 ? Math.min(pause, left) : pause, TimeUnit.NANOSECONDS);
        pause = Math.min(2 * pause, LONGEST_PAUSE_NANOS);
    }

    private void succeed() {
        channel.connected(to);
        ChannelPromise connected = promise;
        promise = null;
        boolean wanted = connected.trySuccess();
        channel.pipeline().fireChannelActive();
        if (!wanted)
            channel.unsafe().close(channel.unsafe().voidPromise());
    }

    /** Closes the channel, as Netty's own does: the promise is told what there was to tell, and not of the close. */
    private void fail(Throwable cause) {
        ChannelPromise connected = promise;
        promise = null;
        channel.unsafe().close(channel.unsafe().voidPromise());
        connected.tryFailure(cause);
    }

    /** The channel is closed. */
    void cancel(Throwable cause) {
        if (attempt != null)
            attempt.cancel(false);
        ChannelPromise connected = promise;
        promise = null;
        if (connected != null)
            connected.tryFailure(cause);
    }
}
