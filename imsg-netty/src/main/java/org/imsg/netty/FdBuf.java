package org.imsg.netty;

import io.netty.buffer.ByteBuf;
import io.netty.util.ResourceLeakDetector;
import io.netty.util.ResourceLeakDetectorFactory;
import java.util.Objects;
import org.imsg.sys.Descriptors;
import org.imsg.unix.Fd;
import org.jspecify.annotations.Nullable;

/**
 * Bytes of the stream and the descriptor that travels with the first of them (SCM_RIGHTS): what an {@link ImsgSocketChannel}
 * writes and reads where a plain {@link ByteBuf} is not enough. Below the codec; users of messages see {@link ImsgMessage}.
 *
 * <p>Written, it is sent with one sendmsg(2) that carries the descriptor with the first byte; what the kernel does not take at
 * once follows as bytes. The descriptor is closed as soon as the kernel has it. One that the kernel refuses fails its own write
 * and no other, with an {@link org.imsg.unix.ErrnoException}: EBADF, EINVAL, EPERM or EACCES for good, ETOOMANYREFS while this
 * user has more descriptors on the way than RLIMIT_NOFILE allows. A caller that has retained the FdBuf may then write it again.
 *
 * <p>Read, it is what one recvmsg(2) gave: the descriptor belongs to one of the bytes, and which one only the protocol can
 * tell.
 *
 * <p>It owns both: {@link #release()} frees the bytes and closes the descriptor unless {@link #takeFd()} took it. Copies and
 * duplicates have the bytes only, the descriptor stays; {@link #replace(ByteBuf)} moves it. Not safe for two threads at once, except
 * retain and release.
 */
public final class FdBuf extends DescriptorHolder<FdBuf> {
    private static final ResourceLeakDetector<FdBuf> LEAKS = ResourceLeakDetectorFactory.instance()
            .newResourceLeakDetector(FdBuf.class);

    private final boolean lost;

    /**
     * For writing.
     *
     * @param content the bytes, 1 or more; taken over
     * @param fd the descriptor; taken over
     * @throws IllegalStateException if the descriptor is closed or was handed on; nothing is taken over then, nor if one is null
     */
    public FdBuf(ByteBuf content, Fd fd) {
        this(Objects.requireNonNull(content), fd.move(), false);
    }

    FdBuf(ByteBuf content, @Nullable Fd fd, boolean lost) {
        super(content, fd, LEAKS);
        this.lost = lost;
        describeForLeakReport();
    }

    /** For what was received: a descriptor is closed if this throws, and the bytes stay the caller's. */
    static FdBuf received(ByteBuf content, int descriptor, boolean lost) {
        Fd fd = null;
        try {
            fd = descriptor < 0 ? null : Fd.of(descriptor);
            return new FdBuf(content, fd, lost);
        } catch (RuntimeException | Error e) {
            if (fd != null)
                fd.close();
            else if (descriptor >= 0)
                Descriptors.close(descriptor);
            throw e;
        }
    }

    /**
     * Whether the kernel dropped a descriptor that should have come with these bytes (MSG_CTRUNC): the descriptor table is full.
     *
     * @return true if one is gone
     */
    public boolean isLost() {
        return lost;
    }

    @Override
    FdBuf with(ByteBuf bytes, @Nullable Fd descriptor) {
        return new FdBuf(bytes, descriptor, lost);
    }

    @Override
    public String toString() {
        return "FdBuf(" + content() + (hasFd() ? ", descriptor " + fdNumber() : "") + (lost ? ", descriptor lost" : "")
                + ")";
    }
}
