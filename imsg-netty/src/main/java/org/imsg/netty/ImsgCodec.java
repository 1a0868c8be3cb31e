package org.imsg.netty;

import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelOutboundHandlerAdapter;
import io.netty.channel.CombinedChannelDuplexHandler;
import org.imsg.ImsgChannel;
import org.imsg.ImsgTooLargeException;
import org.imsg.WireFormat;
import org.imsg.unix.Fd;
import org.imsg.wire.Dialect;
import org.jspecify.annotations.Nullable;

/**
 * imsg as a handler: reads become {@link ImsgMessage}s (or one {@link ImsgBatch} a read), written messages become bytes and
 * descriptors. The counterpart of {@code struct imsgbuf}. One for each channel; settings are made before it is added.
 *
 * <p>On an {@link ImsgSocketChannel} descriptors travel with their messages. On one of Netty's own channels the same handler
 * carries messages without descriptors: writing one with a descriptor fails that write, and one that a peer sends is closed by
 * the kernel and its message says MISSING.
 *
 * <p>Written messages are gathered until a flush, which passes them on in as few buffers as possible; {@link #compose(int, int, int, Fd, byte[])} puts one
 * among them without an object for it, which with {@link #batched()} is the fastest way. A header that cannot be
 * one ends the stream: {@code exceptionCaught} is called once, with an {@link org.imsg.ImsgProtocolException}, and the channel
 * is closed; an end of the stream inside a message gives an {@link org.imsg.ImsgEofException}. A message too long to write
 * fails its write with an {@link ImsgTooLargeException}. Everything else that is written or read passes through.
 */
public final class ImsgCodec
        extends
            CombinedChannelDuplexHandler<ChannelInboundHandlerAdapter, ChannelOutboundHandlerAdapter> {
    private static final int HEADER_SIZE = ImsgChannel.HEADER_SIZE;

    private final Dialect read;
    private final Dialect assumed;
    private final int limit;
    private final boolean batched;
    private final ImsgDecoder decoder;
    private final ImsgEncoder encoder;

    /**
     * A codec with the defaults of imsg_init(3): messages up to 16384 bytes with the header. The wire format is
     * {@link WireFormat#AUTO}, so that a descriptor is refused until the peer has marked one.
     */
    public ImsgCodec() {
        this(Dialect.AUTO, null, ImsgChannel.MAX_IMSGSIZE, false);
    }

    private ImsgCodec(Dialect read, @Nullable Dialect assumed, int limit, boolean batched) {
        this.read = read;
        this.assumed = assumed;
        this.limit = limit;
        this.batched = batched;
        decoder = new ImsgDecoder(read, limit, batched);
        encoder = new ImsgEncoder(() -> written(read, assumed, decoder.lastMarked()), limit);
        init(decoder, encoder);
    }

    /**
     * With a format.
     *
     * @param format how headers are read and written
     * @return a new codec
     * @throws IllegalArgumentException if the limit is more than the format can say
     */
    public ImsgCodec format(WireFormat format) {
        Dialect dialect = dialect(format);
        return new ImsgCodec(dialect, dialect == Dialect.AUTO ? assumed : dialect, checked(dialect, limit), batched);
    }

    /**
     * With the format in which AUTO passes descriptors until the peer has marked one. Without, a descriptor is refused until then
     * with an IllegalStateException, as {@link WireFormat} describes.
     *
     * @param format CLASSIC or MODERN
     * @return a new codec
     * @throws IllegalArgumentException if it is AUTO
     */
    public ImsgCodec assume(WireFormat format) {
        if (format == WireFormat.AUTO)
            throw new IllegalArgumentException(
                    "the format written until the peer is known is CLASSIC or MODERN, not AUTO");
        return new ImsgCodec(read, read == Dialect.AUTO ? dialect(format) : assumed, limit, batched);
    }

    /**
     * With another limit in both directions: imsgbuf_set_maxsize.
     *
     * @param payload the longest payload, in bytes without the header: up to 65519 with the format AUTO or CLASSIC,
     *     2147483631 with MODERN
     * @return a new codec
     * @throws IllegalArgumentException if it is negative, or more than the format can say
     */
    public ImsgCodec maxSize(int payload) {
        if (payload < 0 || payload > Integer.MAX_VALUE - HEADER_SIZE)
            throw new IllegalArgumentException(
                    "a payload has 0 to " + (Integer.MAX_VALUE - HEADER_SIZE) + " bytes, not "
                            + payload);
        return new ImsgCodec(read, assumed, checked(read, payload + HEADER_SIZE), batched);
    }

    /**
     * With one {@link ImsgBatch} for all the messages of a read, instead of an {@link ImsgMessage} each.
     *
     * @return a new codec
     */
    public ImsgCodec batched() {
        return new ImsgCodec(read, assumed, limit, true);
    }

    /**
     * Queues a message without an object for it: imsg_compose. It goes out with the next flush, in order with what is written,
     * and as part of as large a buffer as an {@link ImsgMessage} would.
     *
     * {@snippet file="org/imsg/netty/ComposingTest.java" region="compose"}
     *
     * <p>It has no promise: a failure is told by {@code exceptionCaught}, and after the end of the channel or of its output it is
     * dropped; once Netty has removed that channel's handlers, this throws. To
     * learn of a failure, write something with a promise behind it, such as an empty buffer. Handlers behind the codec do not see it.
     * To be called on the event loop, or on the executor the codec was added with; this codec, and not one it was set up from,
     * must be in a pipeline. Queued without a flush, up to 64 KiB do not count for the channel's writability yet.
     *
     * @param type the type
     * @param id the id, peerid in the header
     * @param pid the process id; 0 for this process's
     * @param fd a descriptor to go along, the channel's then unless this throws; or null
     * @param payload the payload; copied
     * @throws ImsgTooLargeException if the payload is longer than the limit (C: ERANGE); nothing is queued then
     * @throws IllegalStateException if the codec is in no pipeline, this is not its thread, or the descriptor is closed
     *     or was handed on
     */
    public void compose(int type, int id, int pid, @Nullable Fd fd, byte[] payload) {
        encoder.compose(type, id, pid, fd, payload, 0, payload.length);
    }

    /**
     * Queues a message whose payload is a part of an array; otherwise as {@link #compose(int, int, int, Fd, byte[])}.
     *
     * @param type the type
     * @param id the id, peerid in the header
     * @param pid the process id; 0 for this process's
     * @param fd a descriptor to go along, the channel's then unless this throws; or null
     * @param payload where the payload is; copied
     * @param from its first byte
     * @param count how many bytes it has
     * @throws IndexOutOfBoundsException if that is not inside the array
     * @throws ImsgTooLargeException if the payload is longer than the limit (C: ERANGE); nothing is queued then
     * @throws IllegalStateException if the codec is in no pipeline, this is not its thread, or the descriptor is closed
     *     or was handed on
     */
    public void compose(int type, int id, int pid, @Nullable Fd fd, byte[] payload, int from, int count) {
        encoder.compose(type, id, pid, fd, payload, from, count);
    }

    /**
     * Queues a message whose payload is in a buffer; otherwise as {@link #compose(int, int, int, Fd, byte[])}.
     *
     * @param type the type
     * @param id the id, peerid in the header
     * @param pid the process id; 0 for this process's
     * @param fd a descriptor to go along, the channel's then unless this throws; or null
     * @param payload its readable bytes are the payload; copied, and unlike what is written it stays the caller's, with
     *     its indices
     * @throws ImsgTooLargeException if the payload is longer than the limit (C: ERANGE); nothing is queued then
     * @throws io.netty.util.IllegalReferenceCountException if the buffer was released already; nothing is queued then
     * @throws IllegalStateException if the codec is in no pipeline, this is not its thread, or the descriptor is closed
     *     or was handed on
     */
    public void compose(int type, int id, int pid, @Nullable Fd fd, ByteBuf payload) {
        encoder.compose(type, id, pid, fd, payload);
    }

    /**
     * Returns how many descriptors arrived that no message claims, and were closed. Safe for any thread. The channel counts those
     * it closes itself: {@link ImsgSocketChannel#surplusDescriptors()}.
     *
     * @return the number since the codec was made
     */
    public long surplusDescriptors() {
        return decoder.surplus();
    }

    private static int checked(Dialect dialect, int limit) {
        int most = dialect == Dialect.MODERN ? Dialect.MODERN_LIMIT : Dialect.CLASSIC_LIMIT;
        if (limit > most)
            throw new IllegalArgumentException("the format " + dialect + " has messages of at most " + most
                    + " bytes, " + limit + " are too many"
                    + (dialect == Dialect.AUTO
                            ? "; beyond, the formats cannot be told apart and one must be named"
                            : ""));
        return limit;
    }

    private static Dialect written(Dialect read, Dialect assumed, Dialect seen) {
        return read == Dialect.AUTO && seen != null ? seen : assumed;
    }

    private static Dialect dialect(WireFormat format) {
        return switch (format) {
            case CLASSIC -> Dialect.CLASSIC;
            case MODERN -> Dialect.MODERN;
            case AUTO -> Dialect.AUTO;
        };
    }
}
