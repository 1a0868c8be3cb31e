package org.imsg.netty;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.util.ResourceLeakDetector;
import io.netty.util.ResourceLeakDetectorFactory;
import java.util.Locale;
import java.util.Objects;
import org.imsg.DescriptorState;
import org.imsg.unix.Fd;
import org.jspecify.annotations.Nullable;

/**
 * One message in a pipeline: {@code struct imsg} in C. {@link ImsgCodec} makes them of what is read, and takes them to be
 * written.
 *
 * <p>The content is the payload without the header. Type, id and pid are unsigned 32-bit numbers in ints.
 *
 * <p>It owns its descriptor and its payload: {@link #release()} frees the payload and closes the descriptor unless
 * {@link #takeFd()} took it (imsg_free); {@link #retain()} keeps both. Writing one releases it, as with every message of Netty's.
 * Copies and duplicates have the payload only, the descriptor stays; {@link #replace(ByteBuf)} moves it. A duplicate shares this
 * message's count of references. The leak detector watches
 * messages with a descriptor; its report names the message's type, id and descriptor, and the handlers it passed. Not safe for two threads at once, except retain and release.
 */
public final class ImsgMessage extends DescriptorHolder<ImsgMessage> {
    private static final ResourceLeakDetector<ImsgMessage> LEAKS = ResourceLeakDetectorFactory.instance()
            .newResourceLeakDetector(ImsgMessage.class);

    private final int type;
    private final int id;
    private final int pid;
    private final DescriptorState arrived;

    /**
     * A message to write, without a descriptor.
     *
     * @param type the type
     * @param id the id, peerid in the header
     * @param pid the process id; 0 for the pid of this process
     * @param payload the payload, without the header; taken over
     */
    public ImsgMessage(int type, int id, int pid, ByteBuf payload) {
        this(type, id, pid, payload, DescriptorState.NONE, null);
    }

    /**
     * A message to write, with a descriptor.
     *
     * @param type the type
     * @param id the id, peerid in the header
     * @param pid the process id; 0 for the pid of this process
     * @param payload the payload, without the header; taken over
     * @param fd the descriptor; taken over
     * @throws IllegalStateException if the descriptor is closed or was handed on; nothing is taken over then, nor if one is null
     */
    public ImsgMessage(int type, int id, int pid, ByteBuf payload, Fd fd) {
        this(type, id, pid, Objects.requireNonNull(payload), DescriptorState.PRESENT, fd.move());
    }

    ImsgMessage(int type, int id, int pid, ByteBuf payload, DescriptorState arrived, @Nullable Fd fd) {
        super(payload, fd, LEAKS);
        this.type = type;
        this.id = id;
        this.pid = pid;
        this.arrived = arrived;
        describeForLeakReport();
    }

    /**
     * A message to write, without a payload, for id 0 and this process's pid.
     *
     * @param type the type
     * @return the message
     */
    public static ImsgMessage of(int type) {
        return new ImsgMessage(type, 0, 0, Unpooled.EMPTY_BUFFER);
    }

    /**
     * The type: imsg_get_type.
     *
     * @return an unsigned 32-bit number
     */
    public int type() {
        return type;
    }

    /**
     * The id, peerid in the header: imsg_get_id.
     *
     * @return an unsigned 32-bit number
     */
    public int id() {
        return id;
    }

    /**
     * The pid in the header, which is what the sender wrote there and proves nothing: imsg_get_pid.
     *
     * @return an unsigned 32-bit number
     */
    public int pid() {
        return pid;
    }

    /**
     * What became of the message's descriptor.
     *
     * @return its state
     */
    public DescriptorState descriptor() {
        return arrived == DescriptorState.PRESENT && !hasFd() ? DescriptorState.TAKEN : arrived;
    }

    /**
     * This message under another id; this one must not be used any more.
     *
     * @param newId the id, peerid in the header
     * @return a message that owns what this one owned
     */
    public ImsgMessage withId(int newId) {
        ImsgMessage renamed = new ImsgMessage(type, newId, pid, content().retain(), descriptor(), takeFd());
        release();
        return renamed;
    }

    @Override
    ImsgMessage with(ByteBuf bytes, @Nullable Fd descriptor) {
        DescriptorState there = descriptor != null
                ? DescriptorState.PRESENT
                : arrived == DescriptorState.PRESENT ? DescriptorState.NONE : arrived;
        return new ImsgMessage(type, id, pid, bytes, there, descriptor);
    }

    @Override
    public String toString() {
        return "imsg type " + Integer.toUnsignedString(type) + " id " + Integer.toUnsignedString(id) + " pid "
                + Integer.toUnsignedString(pid) + ", " + content().readableBytes() + " bytes"
                + (descriptor() == DescriptorState.NONE
                        ? ""
                        : ", descriptor " + (hasFd() ? fdNumber() : descriptor().name().toLowerCase(Locale.ROOT)));
    }
}
