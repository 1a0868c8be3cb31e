package org.imsg.netty;

import io.netty.channel.IoEvent;
import io.netty.channel.IoHandle;
import io.netty.channel.IoRegistration;
import org.jspecify.annotations.Nullable;

/**
 * What one native transport knows about one registration of one channel with one event loop: how to say what the channel
 * waits for, and how to read what the loop reports. Level-triggered towards the channel: as long as something wanted is
 * ready, the channel is told again. All methods but the constructor are called on the event loop.
 *
 * <p>A channel that is registered again gets a new binding; what the old loop still reports then goes nowhere.
 */
abstract class Binding implements IoHandle {
    final ImsgSocketChannel channel;
    private @Nullable IoRegistration registration;
    private boolean cancelled;
    private boolean read;
    private boolean write;
    private boolean sawEnd;

    Binding(ImsgSocketChannel channel) {
        this.channel = channel;
    }

    /** Translates a change of what is wanted for the loop. */
    abstract void submit(IoRegistration to, boolean readBefore, boolean writeBefore);

    /** Translates what the loop reports into a call of {@link #ready(boolean, boolean, boolean)}. */
    abstract void report(IoEvent event);

    /** Takes back what the loop would otherwise keep; the descriptor is about to be closed or goes to another loop. */
    void withdraw(IoRegistration from, boolean closing) {
        // Most loops need nothing but the cancellation itself.
    }

    final void begin(IoRegistration made) {
        registration = made;
        submit(made, false, false);
    }

    final void endChanged() {
        submit(registration, read, write);
    }

    final boolean wantsRead() {
        return read && !cancelled;
    }

    final boolean wantsWrite() {
        return write && !cancelled;
    }

    /** Whether the end of the input must be reported though nothing is read: once, and on a connected channel only. */
    final boolean watchesEnd() {
        return !cancelled && !sawEnd && channel.isActive() && !channel.isInputOver();
    }

    final @Nullable IoRegistration registration() {
        return registration;
    }

    /** Says what the channel waits for from now on. */
    final void want(boolean toRead, boolean toWrite) {
        if (cancelled)
            return;
        boolean readBefore = read;
        boolean writeBefore = write;
        read = toRead;
        write = toWrite;
        if (read != readBefore || write != writeBefore)
            submit(registration, readBefore, writeBefore);
    }

    final void ready(boolean readable, boolean writable, boolean ended) {
        // Writing first: a dead peer fails the queued writes before the end of the stream closes the channel.
        if (writable && wantsWrite())
            channel.writeReady();
        if (readable && wantsRead())
            channel.readReady();
        if (ended && watchesEnd()) {
            sawEnd = true;
            submit(registration, read, write);
            channel.inputEnded();
        }
    }

    final void cancel(boolean closing) {
        if (cancelled)
            return;
        cancelled = true;
        if (registration == null)
            return;
        withdraw(registration, closing);
        registration.cancel();
    }

    @Override
    public final void handle(IoRegistration from, IoEvent event) {
        if (!cancelled)
            report(event);
    }

    /** The event loop ends. */
    @Override
    public final void close() {
        channel.unsafe().close(channel.unsafe().voidPromise());
    }
}
