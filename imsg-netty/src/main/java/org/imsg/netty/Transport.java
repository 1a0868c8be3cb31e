package org.imsg.netty;

import io.netty.channel.EventLoop;
import io.netty.channel.IoEventLoop;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.kqueue.KQueueIoHandler;
import io.netty.channel.uring.IoUringIoHandler;
import io.netty.util.Version;
import java.util.Arrays;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Netty's native transports, any of which a channel can be registered with. Those whose classes are absent serve no loop. A
 * binding is made by a static method of its own: {@code new} in here would have the verifier load it before anybody knows
 * whether its transport is there.
 */
enum Transport {
    EPOLL("epoll", "io.netty.channel.epoll.EpollIoHandle", "4.2.2", loop -> loop.isCompatible(EpollBinding.class),
            loop -> loop.isIoType(EpollIoHandler.class), channel -> EpollBinding.of(channel)), KQUEUE("kqueue",
                    "io.netty.channel.kqueue.KQueueIoHandle", "4.2.2",
                    loop -> loop.isCompatible(KqueueBinding.class), loop -> loop.isIoType(KQueueIoHandler.class),
                    channel -> KqueueBinding.of(channel)), IO_URING("io_uring",
                            "io.netty.channel.uring.IoUringIoHandle", "4.2.14",
                            loop -> loop.isCompatible(IoUringBinding.class),
                            loop -> loop.isIoType(IoUringIoHandler.class),
                            channel -> IoUringBinding.of(channel));

    /** Whether a loop would take its binding; false where the classes are of a version the binding was not made for. */
    private final Predicate<IoEventLoop> fits;
    /** Whether a loop is its own, told without its binding. */
    private final Predicate<IoEventLoop> owns;
    private final Function<ImsgSocketChannel, Binding> binding;
    private final boolean present;
    /** Null where it can serve, or nothing tells its version. */
    private final @Nullable String refusal;

    Transport(String name, String handle, String oldest, Predicate<IoEventLoop> fits, Predicate<IoEventLoop> owns,
            Function<ImsgSocketChannel, Binding> binding) {
        this.fits = fits;
        this.owns = owns;
        this.binding = binding;
        present = isPresent(handle);
        String artifact = "netty-transport-classes-" + name;
        Version there = Version.identify(Transport.class.getClassLoader()).get(artifact);
        refusal = there == null ? null : refusal(artifact, there.artifactVersion(), oldest);
    }

    /** Whether its classes are there. */
    boolean isPresent() {
        return present;
    }

    Binding bind(ImsgSocketChannel channel) {
        check();
        return binding.apply(channel);
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
            if (transport.present
                    && (transport.refusal == null ? transport.fits.test(ioLoop) : transport.owns.test(ioLoop)))
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
