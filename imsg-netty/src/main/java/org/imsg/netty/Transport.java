package org.imsg.netty;

import io.netty.channel.EventLoop;
import io.netty.channel.IoEventLoop;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.kqueue.KQueueIoHandler;
import io.netty.channel.uring.IoUringIoHandler;
import io.netty.util.Version;
import java.util.Arrays;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Netty's native transports, any of which a channel can be registered with. Those whose classes are absent serve no loop. A
 * binding is made by a static method of its own: {@code new} in here would have the verifier load it before anybody knows
 * whether its transport is there.
 */
enum Transport {
    EPOLL("epoll", "io.netty.channel.epoll.EpollIoHandle", "4.2.2") {
        @Override
        boolean fits(IoEventLoop loop) {
            return loop.isCompatible(EpollBinding.class);
        }

        @Override
        boolean owns(IoEventLoop loop) {
            return loop.isIoType(EpollIoHandler.class);
        }

        @Override
        Binding binding(ImsgSocketChannel channel) {
            return EpollBinding.of(channel);
        }
    },
    KQUEUE("kqueue", "io.netty.channel.kqueue.KQueueIoHandle", "4.2.2") {
        @Override
        boolean fits(IoEventLoop loop) {
            return loop.isCompatible(KqueueBinding.class);
        }

        @Override
        boolean owns(IoEventLoop loop) {
            return loop.isIoType(KQueueIoHandler.class);
        }

        @Override
        Binding binding(ImsgSocketChannel channel) {
            return KqueueBinding.of(channel);
        }
    },
    IO_URING("io_uring", "io.netty.channel.uring.IoUringIoHandle", "4.2.14") {
        @Override
        boolean fits(IoEventLoop loop) {
            return loop.isCompatible(IoUringBinding.class);
        }

        @Override
        boolean owns(IoEventLoop loop) {
            return loop.isIoType(IoUringIoHandler.class);
        }

        @Override
        Binding binding(ImsgSocketChannel channel) {
            return IoUringBinding.of(channel);
        }
    };

    private final boolean present;
    /** Null where it can serve, or nothing tells its version. */
    private final @Nullable String refusal;

    Transport(String name, String handle, String oldest) {
        present = isPresent(handle);
        String artifact = "netty-transport-classes-" + name;
        Version there = Version.identify(Transport.class.getClassLoader()).get(artifact);
        refusal = there == null ? null : refusal(artifact, there.artifactVersion(), oldest);
    }

    /** Whether its classes are there. */
    boolean isPresent() {
        return present;
    }

    /** Whether a loop would take its binding; false where the classes are of a version the binding was not made for. */
    abstract boolean fits(IoEventLoop loop);

    /** Whether a loop is its own, told without its binding. */
    abstract boolean owns(IoEventLoop loop);

    abstract Binding binding(ImsgSocketChannel channel);

    final Binding bind(ImsgSocketChannel channel) {
        check();
        return binding(channel);
    }

    /** Throws IllegalStateException if this version of it cannot serve. */
    void check() {
        if (refusal != null)
            throw new IllegalStateException(refusal);
    }

    static Optional<Transport> of(EventLoop loop) {
        if (!(loop instanceof IoEventLoop ioLoop))
            return Optional.empty();
        for (Transport transport : values())
            if (transport.present && (transport.refusal == null ? transport.fits(ioLoop) : transport.owns(ioLoop)))
                return Optional.of(transport);
        return Optional.empty();
    }

    /** Why an artifact cannot serve; null if it can. */
    static @Nullable String refusal(String artifact, String there, String oldest) {
        return Arrays.compare(numbers(there), numbers(oldest)) >= 0
                ? null
                : artifact + " " + there + " is too old for imsg-netty, which needs " + oldest + ".Final or newer";
    }

    private static int[] numbers(String version) {
        return Stream.of(version.split("\\D+")).mapToInt(Integer::parseInt).limit(3).toArray();
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
