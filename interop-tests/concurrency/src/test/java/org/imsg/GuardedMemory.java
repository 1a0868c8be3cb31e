package org.imsg;

import static org.imsg.sys.Deadline.FOREVER;

import java.io.IOException;
import java.nio.channels.ClosedChannelException;
import java.nio.file.Path;
import org.imsg.sys.Readiness;
import org.imsg.unix.Fd;

/** A turn whose memory notices that a second thread is inside, and use after it was freed. */
final class GuardedMemory extends Turn {
    private boolean inside;
    private boolean freed;

    private GuardedMemory(ImsgChannel channel, Fd socket) {
        super(channel, socket, Readiness.READABLE);
    }

    /** The turn of a channel that nothing is sent on, which makes any descriptor good enough. */
    static GuardedMemory ofNewChannel() {
        try {
            Fd fd = Fd.open(Path.of("/dev/null"));
            return new GuardedMemory(ImsgChannel.ofConnected(fd), fd);
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    /**
     * Takes the turn as a reader or writer does, and touches the memory for a while; false if the channel is closed.
     *
     * @param spins for how long; a closing thread waits for about a thousand
     */
    boolean use(int spins) throws IOException {
        try {
            take(FOREVER);
        } catch (ClosedChannelException _) {
            return false;
        }
        try {
            if (!channel.isOpen())
                return false;
            touch(spins);
            return true;
        } finally {
            leave();
        }
    }

    private void touch(int spins) {
        if (inside)
            throw new IllegalStateException("two threads are inside");
        inside = true;
        for (int i = 0; i < spins; i++)
            Thread.onSpinWait();
        if (freed)
            throw new IllegalStateException("used after it was freed");
        inside = false;
    }

    /** As {@link ImsgChannel} does for its two directions. */
    void closeChannel() throws IOException {
        channel.close();
        close();
    }

    boolean isFreed() {
        return freed;
    }

    @Override
    void free() {
        if (inside)
            throw new IllegalStateException("freed while a thread is inside");
        freed = true;
    }
}
