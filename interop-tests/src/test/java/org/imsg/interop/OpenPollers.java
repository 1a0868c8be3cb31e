package org.imsg.interop;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;

import org.imsg.unix.Fd;
import org.imsg.unix.FdChannel;

/** Run once before the first test: has org.imsg open the two pollers that it keeps as long as the process lives. */
final class OpenPollers implements Runnable {
    @Override
    public void run() {
        try (Fd.Pair pipe = Fd.pipe();
                FdChannel source = new FdChannel(pipe.first());
                FdChannel sink = new FdChannel(pipe.second())) {
            sink.write(ByteBuffer.allocate(1));
            source.read(ByteBuffer.allocate(1));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
