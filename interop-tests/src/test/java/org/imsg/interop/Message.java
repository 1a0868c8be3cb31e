package org.imsg.interop;

import java.nio.charset.StandardCharsets;

import org.imsg.DescriptorState;
import org.imsg.unix.Fd;

/** A message as a {@link Transport} delivers it. Closing it closes the descriptor, unless somebody else did. */
record Message(int type, int id, int pid, byte[] payload, DescriptorState descriptor, Fd fd) implements AutoCloseable {
    String text() {
        return new String(payload, StandardCharsets.UTF_8);
    }

    @Override
    public void close() {
        if (fd != null)
            fd.close();
    }
}
