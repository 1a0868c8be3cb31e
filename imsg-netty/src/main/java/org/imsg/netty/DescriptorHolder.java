package org.imsg.netty;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufHolder;
import io.netty.util.IllegalReferenceCountException;
import io.netty.util.ResourceLeakDetector;
import io.netty.util.ResourceLeakTracker;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicIntegerFieldUpdater;
import org.imsg.unix.Fd;
import org.jspecify.annotations.Nullable;

/**
 * Bytes, and perhaps a descriptor, with one count of references for both: the last release frees the bytes and closes the
 * descriptor if no handler took it. One that holds a descriptor is watched by Netty's leak detector, and what it was stands in the
 * report.
 *
 * @param <T> the kind of holder that extends this
 */
abstract class DescriptorHolder<T extends DescriptorHolder<T>> implements ByteBufHolder {
    /** Netty's AbstractReferenceCounted has an object for it. */
    @SuppressWarnings("rawtypes") // a class has one updater, whatever its parameter
    private static final AtomicIntegerFieldUpdater<DescriptorHolder> REFERENCES = AtomicIntegerFieldUpdater
            .newUpdater(DescriptorHolder.class, "references");

    private volatile int references = 1;
    private ByteBuf content;
    /** Null for one that is not watched. */
    private final @Nullable ResourceLeakTracker<T> leak;
    private @Nullable Fd fd;
    /** The holder that this is a duplicate of, whose references count for both, or null. */
    private @Nullable DescriptorHolder<T> counting;

    /** Takes both over as they are; where a user hands in a descriptor, it is moved first. */
    DescriptorHolder(ByteBuf content, @Nullable Fd fd, ResourceLeakDetector<T> leaks) {
        this.content = Objects.requireNonNull(content);
        this.fd = fd;
        leak = fd == null ? null : leaks.track(self());
    }

    @SuppressWarnings("unchecked")
    private T self() {
        return (T) this;
    }

    /** For the end of a constructor: a leak report names the message first. */
    final void describeForLeakReport() {
        if (leak == null)
            return;
        try {
            leak.record(this);
        } catch (RuntimeException | Error e) {
            leak.close(self()); // there is nothing to release
            throw e;
        }
    }

    /** A holder of the same kind and with the same properties, but for these. */
    abstract T with(ByteBuf bytes, @Nullable Fd descriptor);

    /**
     * The bytes.
     *
     * @return the buffer, which stays this holder's
     */
    @Override
    public final ByteBuf content() {
        return content;
    }

    /**
     * Whether there is a descriptor to take.
     *
     * @return true if {@link #takeFd()} would give one
     */
    public final boolean hasFd() {
        return fd != null;
    }

    /**
     * Takes the descriptor out. The holder is released all the same.
     *
     * @return the descriptor, the caller's; null if there is none, or it was taken already
     */
    public final @Nullable Fd takeFd() {
        Fd taken = fd;
        fd = null;
        return taken;
    }

    /** Puts the same bytes in other memory in their place. */
    final void moveContent(ByteBuf copy) {
        content.release();
        content = copy;
    }

    /** The descriptor's number while it stays here, or -1. */
    final int fdNumber() {
        return fd == null ? -1 : fd.intValue();
    }

    private void deallocate() {
        Fd unclaimed = takeFd();
        if (unclaimed != null)
            unclaimed.close();
        if (leak != null)
            leak.close(self());
        content.release();
    }

    @Override
    public final T copy() {
        return with(content.copy(), null);
    }

    @Override
    public final T duplicate() {
        DescriptorHolder<T> duplicate = with(content.duplicate(), null);
        duplicate.counting = counting == null ? this : counting;
        return duplicate.self();
    }

    @Override
    public final T retainedDuplicate() {
        return with(content.retainedDuplicate(), null);
    }

    @Override
    public final T replace(ByteBuf bytes) {
        return with(Objects.requireNonNull(bytes), takeFd());
    }

    @Override
    public final int refCnt() {
        return counting == null ? references : counting.refCnt();
    }

    @Override
    public final T retain() {
        return retain(1);
    }

    @Override
    public final T retain(int increment) {
        if (counting == null)
            count(increment, 1);
        else
            counting.retain(increment);
        return self();
    }

    @Override
    public final boolean release() {
        return release(1);
    }

    @Override
    public final boolean release(int decrement) {
        if (counting != null)
            return counting.release(decrement);
        boolean last = count(decrement, -1) == 0;
        if (last)
            deallocate();
        return last;
    }

    /** {@return how many references there are then} */
    private int count(int by, int sign) {
        if (by <= 0)
            throw new IllegalArgumentException("references are counted by 1 and more, not " + by);
        int change = sign * by;
        for (;;) {
            int before = references;
            int after = before + change;
            // More than there can be is a negative number.
            if (before == 0 || after < 0)
                throw new IllegalReferenceCountException(before, change);
            if (REFERENCES.compareAndSet(this, before, after))
                return after;
        }
    }

    @Override
    public final T touch() {
        return touch(null);
    }

    @Override
    public final T touch(Object hint) {
        content.touch(hint);
        if (leak != null)
            leak.record(hint);
        return self();
    }
}
