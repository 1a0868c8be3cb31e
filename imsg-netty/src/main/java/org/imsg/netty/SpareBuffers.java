package org.imsg.netty;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.util.concurrent.FastThreadLocal;
import io.netty.util.concurrent.FastThreadLocalThread;

/**
 * The last buffers of one direction of an event loop, each with a reference of ours, used again as soon as no other reference
 * holds them: a buffer from a pool costs some objects even there. Ten thousand channels of a loop share the few.
 */
final class SpareBuffers {
    static final FastThreadLocal<SpareBuffers> TO_READ = new Local();
    static final FastThreadLocal<SpareBuffers> TO_WRITE = new Local();

    /** Enough for a full socket's queue, or the begun message of one read while the next is joined to it. */
    private static final int MOST = 4;
    /** A larger one is not taken in place of a small one: a handler that keeps a few bytes of it would keep the whole. */
    private static final int MOST_TIMES_LARGER = 4;
    /** In bytes: a larger one would stay for good when large messages have become rare. */
    private static final int LARGEST = 1 << 20;

    private final ByteBuf[] spare = new ByteBuf[MOST];
    /** Whose turn it is to go. */
    private int oldest;

    private SpareBuffers() {}

    private static final class Local extends FastThreadLocal<SpareBuffers> {
        @Override
        protected SpareBuffers initialValue() {
            return new SpareBuffers();
        }

        @Override
        protected void onRemoval(SpareBuffers buffers) {
            for (int i = 0; i < MOST; i++)
                buffers.replace(i, null);
        }
    }

    /** An empty direct buffer with room for so many bytes, with the one reference that is the caller's. */
    ByteBuf take(ByteBufAllocator allocator, int size) {
        for (int i = 0; i < MOST; i++) {
            ByteBuf last = spare[i];
            if (last != null && last.refCnt() == 1 && last.alloc() == allocator && last.capacity() >= size
                    && last.capacity() / MOST_TIMES_LARGER <= size) {
                spare[i] = null;
                return last.clear().markReaderIndex().markWriterIndex();
            }
        }
        return allocator.directBuffer(size);
    }

    /** A buffer that {@link #take(ByteBufAllocator, int)} gave is about to be passed on: it may be taken again when all others have released it. */
    void share(ByteBuf buffer) {
        // The end of other threads is not told.
        if (buffer.capacity() > LARGEST || !FastThreadLocalThread.currentThreadWillCleanupFastThreadLocals())
            return;
        for (int i = 0; i < MOST; i++) {
            if (spare[i] == null) {
                spare[i] = buffer.retain();
                return;
            }
        }
        replace(oldest, buffer.retain());
        oldest = (oldest + 1) % MOST;
    }

    private void replace(int at, ByteBuf buffer) {
        ByteBuf before = spare[at];
        spare[at] = buffer;
        if (before != null)
            before.release();
    }
}
