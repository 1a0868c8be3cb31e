package org.imsg.netty;

import io.netty.channel.EventLoop;
import io.netty.channel.IoEventLoop;
import java.util.Optional;

/**
 * Netty's native transports, any of which a channel can be registered with. Those whose classes are absent serve no loop. A
 * binding is made by a static method of its own: {@code new} in here would have the verifier load it before anybody knows
 * whether its transport is there.
 */
enum Transport {
    EPOLL("io.netty.channel.epoll.EpollIoHandle") {
        @Override
        boolean fits(IoEventLoop loop) {
            return loop.isCompatible(EpollBinding.class);
        }

        @Override
        Binding bind(ImsgSocketChannel channel) {
            return EpollBinding.of(channel);
        }
    },
    KQUEUE("io.netty.channel.kqueue.KQueueIoHandle") {
        @Override
        boolean fits(IoEventLoop loop) {
            return loop.isCompatible(KqueueBinding.class);
        }

        @Override
        Binding bind(ImsgSocketChannel channel) {
            return KqueueBinding.of(channel);
        }
    },
    IO_URING("io.netty.channel.uring.IoUringIoHandle") {
        @Override
        boolean fits(IoEventLoop loop) {
            return loop.isCompatible(IoUringBinding.class);
        }

        @Override
        Binding bind(ImsgSocketChannel channel) {
            return IoUringBinding.of(channel);
        }
    };

    private final boolean present;

    Transport(String handle) {
        present = isPresent(handle);
    }

    /** Whether its classes are there. */
    boolean isPresent() {
        return present;
    }

    abstract boolean fits(IoEventLoop loop);

    abstract Binding bind(ImsgSocketChannel channel);

    static Optional<Transport> of(EventLoop loop) {
        if (!(loop instanceof IoEventLoop ioLoop))
            return Optional.empty();
        for (Transport transport : values())
            if (transport.present && transport.fits(ioLoop))
                return Optional.of(transport);
        return Optional.empty();
    }

    private static boolean isPresent(String handle) {
        try {
            Class.forName(handle, false, Transport.class.getClassLoader());
            return true;
        } catch (ClassNotFoundException | LinkageError absent) {
            return false;
        }
    }
}
