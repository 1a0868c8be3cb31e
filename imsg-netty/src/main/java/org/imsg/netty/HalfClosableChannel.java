package org.imsg.netty;

import io.netty.channel.AbstractChannel;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelPromise;
import io.netty.channel.socket.DuplexChannel;
import java.io.IOException;

/** Which directions of a channel are shut down, and what it takes to shut one down from any thread. */
abstract class HalfClosableChannel extends AbstractChannel implements DuplexChannel {
    private volatile boolean inputShutdown;
    private volatile boolean outputShutdown;

    HalfClosableChannel(Channel parent) {
        super(parent);
    }

    final void inputIsShutdown() {
        inputShutdown = true;
    }

    final void outputIsShutdown() {
        outputShutdown = true;
    }

    @Override
    public final boolean isInputShutdown() {
        return inputShutdown;
    }

    @Override
    public final boolean isOutputShutdown() {
        return outputShutdown;
    }

    /** On the event loop. */
    abstract void shutdownInputNow() throws IOException;

    @Override
    public final boolean isShutdown() {
        return inputShutdown && outputShutdown;
    }

    @Override
    public final ChannelFuture shutdownInput() {
        return shutdownInput(newPromise());
    }

    @Override
    public final ChannelFuture shutdownInput(ChannelPromise promise) {
        onLoop(() -> {
            try {
                shutdownInputNow();
                promise.trySuccess();
            } catch (IOException | RuntimeException | Error e) {
                promise.tryFailure(e);
            }
        });
        return promise;
    }

    @Override
    public final ChannelFuture shutdownOutput() {
        return shutdownOutput(newPromise());
    }

    @Override
    public final ChannelFuture shutdownOutput(ChannelPromise promise) {
        onLoop(() -> ((AbstractUnsafe) unsafe()).shutdownOutput(promise));
        return promise;
    }

    @Override
    public final ChannelFuture shutdown() {
        return shutdown(newPromise());
    }

    @Override
    public final ChannelFuture shutdown(ChannelPromise promise) {
        shutdownOutput().addListener(output -> shutdownInput().addListener(input -> {
            Throwable cause = output.cause() != null ? output.cause() : input.cause();
            if (cause == null)
                promise.trySuccess();
            else
                promise.tryFailure(cause);
        }));
        return promise;
    }

    private void onLoop(Runnable task) {
        if (eventLoop().inEventLoop())
            task.run();
        else
            eventLoop().execute(task);
    }
}
