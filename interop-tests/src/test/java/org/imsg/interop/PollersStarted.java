package org.imsg.interop;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import org.imsg.unix.Fd;
import org.imsg.unix.FdChannel;

/** Starts the shared pollers, which keep a descriptor each from then on, before the leak check counts for the first time. */
final class PollersStarted implements Runnable {
    @Override
    public void run() {
        try (Fd.Pair pipe = Fd.pipe();
                FdChannel in = new FdChannel(pipe.first());
                FdChannel out = new FdChannel(pipe.second())) {
            out.write(ByteBuffer.allocate(1));
            in.read(ByteBuffer.allocate(1));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
