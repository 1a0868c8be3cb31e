package org.imsg.netty;

import io.netty.buffer.ByteBuf;
import io.netty.util.IllegalReferenceCountException;
import java.lang.foreign.MemorySegment;
import java.util.Objects;
import org.imsg.DescriptorState;
import org.imsg.sys.Descriptors;
import org.imsg.sys.Memory;
import org.imsg.unix.Fd;
import org.imsg.wire.Framer;
import org.imsg.wire.ImsgHeader;
import org.jspecify.annotations.Nullable;

/**
 * Every whole message of one read, as one event with a cursor: what {@link ImsgCodec#batched()} fires instead of an
 * {@link ImsgMessage} each. Stepping over a message allocates nothing.
 *
 * {@snippet file="org/imsg/netty/ImsgCodecTest.java" region="batch"}
 *
 * <p>Valid only inside the channelRead it was fired with; the codec uses one object for all its reads. Messages that the handler
 * does not step over are dropped when it returns. A descriptor that was not taken is closed when the cursor leaves its message.
 * Outside of that call, and on another thread, every method throws an IllegalStateException.
 */
public final class ImsgBatch {
    private final Framer framer;
    /** The thread of the read; null outside of one. */
    private @Nullable Thread reading;
    private @Nullable ByteBuf buffer;
    /** All memory where the buffer has an address, else the buffer's own; and where the first byte is in it. */
    private @Nullable MemorySegment memory;
    private long base;
    /** What buffer index that byte has. */
    private int origin;
    private int header;
    private int length;
    private int limit;
    private int fd = Framer.NONE;
    private boolean taken;
    private boolean prefetched;
    private boolean broken;
    private DescriptorState missing = DescriptorState.MISSING;

    ImsgBatch(Framer framer) {
        this.framer = framer;
    }

    /**
     * Begins with what is readable in a buffer.
     *
     * @param passes whether descriptors can come; if they cannot, one that is announced is lost
     * @return true if there is a whole message
     */
    boolean begin(ByteBuf bytes, boolean passes) {
        missing = passes ? DescriptorState.MISSING : DescriptorState.LOST;
        buffer = bytes;
        origin = bytes.readerIndex();
        limit = bytes.readableBytes();
        if (bytes.hasMemoryAddress()) {
            memory = Memory.ALL;
            base = bytes.memoryAddress() + origin;
        } else {
            memory = MemorySegment.ofBuffer(bytes.internalNioBuffer(origin, limit));
            base = 0;
        }
        header = 0;
        length = 0;
        broken = false;
        prefetched = advance();
        reading = Thread.currentThread();
        return prefetched;
    }

    private void check() {
        if (reading != Thread.currentThread())
            throw new IllegalStateException(reading == null
                    ? "a batch is valid only inside the channelRead it was fired with"
                    : "a batch is for the thread of its read, " + reading.getName());
    }

    /** Marks everything as read in the buffer that the handler stepped over, and if so wanted what it left. */
    void end(boolean dropRest) {
        while (dropRest && !broken && next())
            continue;
        if (prefetched) {
            // Nothing was stepped over: the first message goes to another codec with the others.
            framer.putBack(length, fd);
            fd = Framer.NONE;
            length = 0;
        }
        buffer.readerIndex(origin + header + length);
        abandon();
    }

    /** Ends in the middle: nothing is told of what was handed on. */
    void abandon() {
        reading = null;
        leave();
        buffer = null;
        memory = null;
    }

    /** Whether the header behind the last message cannot be one. */
    boolean isBroken() {
        return broken;
    }

    private boolean advance() {
        leave();
        // Memory is read by its address: a handler may have released what was not its own.
        if (buffer.refCnt() == 0)
            throw new IllegalReferenceCountException(0);
        header += length;
        length = 0;
        if (broken || header == limit)
            return false;
        // The constant is what the JIT compiler makes fast code of.
        int whole = memory == Memory.ALL
                ? framer.next(Memory.ALL, base + header, limit - header)
                : framer.next(memory, base + header, limit - header);
        if (whole <= 0) {
            broken = whole == Framer.BAD_HEADER;
            return false;
        }
        length = whole;
        fd = framer.descriptor();
        return true;
    }

    private void leave() {
        if (fd >= 0 && !taken)
            Descriptors.close(fd);
        fd = Framer.NONE;
        taken = false;
    }

    /**
     * Steps to the next message.
     *
     * @return false if there is none
     */
    public boolean next() {
        check();
        if (prefetched) {
            prefetched = false;
            return true;
        }
        return advance();
    }

    /**
     * The message's type: imsg_get_type.
     *
     * @return an unsigned 32-bit number
     */
    public int type() {
        check();
        return memory == Memory.ALL
                ? ImsgHeader.type(Memory.ALL, base + header)
                : ImsgHeader.type(memory, base + header);
    }

    /**
     * The message's id, peerid in the header: imsg_get_id.
     *
     * @return an unsigned 32-bit number
     */
    public int id() {
        check();
        return memory == Memory.ALL
                ? ImsgHeader.peerid(Memory.ALL, base + header)
                : ImsgHeader.peerid(memory, base + header);
    }

    /**
     * The pid the sender wrote: imsg_get_pid.
     *
     * @return an unsigned 32-bit number
     */
    public int pid() {
        check();
        return memory == Memory.ALL
                ? ImsgHeader.pid(Memory.ALL, base + header)
                : ImsgHeader.pid(memory, base + header);
    }

    /**
     * The buffer that the payload lies in, with others' payloads around it. Read it by index, and neither release nor
     * change it; its own indices mean nothing.
     *
     * @return the buffer of this read
     */
    public ByteBuf buffer() {
        check();
        return Objects.requireNonNull(buffer);
    }

    /**
     * Where the payload begins.
     *
     * @return an index into {@link #buffer()}
     */
    public int index() {
        check();
        return origin + header + ImsgHeader.SIZE;
    }

    /**
     * The length of the payload: imsg_get_len.
     *
     * @return bytes, 0 if there is none
     */
    public int length() {
        check();
        return length - ImsgHeader.SIZE;
    }

    /**
     * What became of the message's descriptor.
     *
     * @return its state
     */
    public DescriptorState descriptor() {
        check();
        return taken ? DescriptorState.TAKEN : state(fd);
    }

    /**
     * Takes the descriptor out: imsg_get_fd.
     *
     * @return the descriptor, the caller's; null if there is none to take, {@link #descriptor()} says why
     */
    public @Nullable Fd takeFd() {
        check();
        if (fd < 0 || taken)
            return null;
        Fd owned = Fd.of(fd);
        taken = true;
        return owned;
    }

    /**
     * The message as one that outlives the batch, without a copy of its payload. Its descriptor goes with it.
     *
     * @return a message, the caller's to release
     */
    public ImsgMessage toMessage() {
        DescriptorState there = descriptor();
        ByteBuf payload = buffer().retainedSlice(index(), length());
        Fd carried = null;
        try {
            carried = takeFd();
            return new ImsgMessage(type(), id(), pid(), payload,
                    there == DescriptorState.TAKEN ? DescriptorState.NONE : there, carried);
        } catch (RuntimeException | Error e) {
            payload.release();
            if (carried != null)
                carried.close();
            throw e;
        }
    }

    private DescriptorState state(int fd) {
        return switch (fd) {
            case Framer.NONE -> DescriptorState.NONE;
            case Framer.LOST -> DescriptorState.LOST;
            case Framer.MISSING -> missing;
            default -> DescriptorState.PRESENT;
        };
    }
}
