package org.imsg.netty;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.util.concurrent.FastThreadLocal;
import io.netty.util.concurrent.FastThreadLocalThread;

/**
 * The last buffer of one direction of an event loop, kept for the next use if by then nobody else holds it: a buffer from a pool
 * costs some objects even there. Ten thousand channels of a loop share the one.
 */
final class SpareBuffer {
    static final FastThreadLocal<SpareBuffer> TO_READ = new Local();
    static final FastThreadLocal<SpareBuffer> TO_WRITE = new Local();

    /** A larger one is not taken in place of a small one: whoever keeps a few bytes of it would keep the whole. */
    private static final int MOST_TIMES_LARGER = 4;

    /** With a reference of our own; null for none. */
    private ByteBuf spare;

    private SpareBuffer() {}

    private static final class Local extends FastThreadLocal<SpareBuffer> {
        @Override
        protected SpareBuffer initialValue() {
            return new SpareBuffer();
        }

        @Override
        protected void onRemoval(SpareBuffer buffer) {
            buffer.drop();
        }
    }

    /** An empty direct buffer with room for so many bytes, with the one reference that is the caller's. */
    ByteBuf take(ByteBufAllocator allocator, int size) {
        ByteBuf last = spare;
        if (last != null && last.refCnt() == 1 && last.alloc() == allocator && last.capacity() >= size
                && last.capacity() / MOST_TIMES_LARGER <= size) {
            spare = null;
            return last.clear();
        }
        drop();
        return allocator.directBuffer(size);
    }

    /** A buffer about to be passed on: it may be taken again when all others have released it. */
    void share(ByteBuf buffer) {
        // Of other threads nobody tells when they end.
        if (buffer != spare && FastThreadLocalThread.currentThreadWillCleanupFastThreadLocals()) {
            drop();
            spare = buffer.retain();
        }
    }

    /** Lets go of a buffer that somebody has kept. */
    void settle() {
        if (spare != null && spare.refCnt() > 1)
            drop();
    }

    private void drop() {
        ByteBuf last = spare;
        spare = null;
        if (last != null)
            last.release();
    }
}
