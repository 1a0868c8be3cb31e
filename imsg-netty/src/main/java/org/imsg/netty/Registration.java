package org.imsg.netty;

import io.netty.channel.ChannelPromise;
import io.netty.channel.IoEventLoop;
import io.netty.channel.IoRegistration;
import org.jspecify.annotations.Nullable;

/**
 * A channel's registration with one event loop after the other, and what it waits for there. On the event loop only; outside of
 * a registration nothing is waited for.
 */
final class Registration {
    private final ImsgSocketChannel channel;
    private @Nullable Binding binding;
    private boolean read;
    private boolean write;

    Registration(ImsgSocketChannel channel) {
        this.channel = channel;
    }

    void begin(IoEventLoop loop, ChannelPromise promise, Runnable then) {
        Binding made;
        try {
            made = Transport.of(loop).orElseThrow().bind(channel);
        } catch (RuntimeException | Error e) { // a version of Netty that does not fit
            promise.setFailure(e);
            return;
        }
        loop.register(made).addListener(registered -> {
            if (!registered.isSuccess()) {
                promise.setFailure(registered.cause());
                return;
            }
            try {
                made.begin((IoRegistration) registered.getNow());
                binding = made;
                then.run();
                promise.setSuccess();
            } catch (RuntimeException | Error e) {
                // Such as of a file that cannot be polled. The loop would keep it under a number that another will have.
                binding = null;
                made.cancel(true);
                promise.setFailure(e);
            }
        });
    }

    /** Ends it; a later registration says anew whether it wants to read. */
    void end(boolean closing) {
        Binding bound = binding;
        binding = null;
        read = false;
        if (bound != null)
            bound.cancel(closing);
    }

    boolean wantsRead() {
        return read;
    }

    boolean wantsWrite() {
        return write;
    }

    void want(boolean toRead, boolean toWrite) {
        read = toRead;
        write = toWrite;
        if (binding != null)
            binding.want(read, write);
    }

    /** Whether the end of the input counts is another matter now: the channel is connected, or its input shut down. */
    void endChanged() {
        if (binding != null)
            binding.endChanged();
    }

    void wantRead(boolean wanted) {
        want(wanted, write);
    }

    void wantWrite(boolean wanted) {
        want(read, wanted);
    }

    /** The socket has room. The loop is told only after it is known whether that was enough, which saves telling it twice. */
    void answered() {
        write = false;
    }
}
