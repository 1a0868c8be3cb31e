package org.imsg.netty;

import io.netty.channel.unix.FileDescriptor;
import org.imsg.unix.Fd;

/** The channel's socket as Netty names descriptors. The Fd stays the owner; nothing here goes through Netty's JNI. */
final class SocketDescriptor extends FileDescriptor {
    private final Fd socket;

    SocketDescriptor(Fd socket) {
        super(socket.intValue());
        this.socket = socket;
    }

    @Override
    public void close() {
        markClosed();
        socket.close();
    }

    @Override
    public boolean isOpen() {
        return socket.isOpen();
    }
}
