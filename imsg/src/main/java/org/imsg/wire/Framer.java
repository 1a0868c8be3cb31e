package org.imsg.wire;

import static org.imsg.wire.ImsgHeader.SIZE;

import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import java.util.function.IntConsumer;
import org.jspecify.annotations.Nullable;

/**
 * Finds the messages in a stream of bytes, and the descriptor of each: a state machine on memory that others fill.
 *
 * <p>Descriptors are matched by the marks in the headers, not by reads. The kernel hands a descriptor over together with some
 * bytes of the stream, the first byte of its message among them, but perhaps also earlier messages and, from a batching
 * sender, later ones. So a descriptor belongs to the first marked message that begins within the bytes it came with; if none does,
 * to the one of whose header they are a part, as in C. One that no message can claim any more goes to the {@code unclaimed} consumer, at
 * once, so that a peer cannot make us hold many.
 *
 * <p>How the stream is cut into reads does not matter, as long as each descriptor is reported with a read that contains the
 * first byte of its message: the same messages come out with the same descriptors.
 *
 * <p>Not safe for two threads at once.
 */
public final class Framer {
    /** From {@link #next(MemorySegment, long, int)}: the message is not whole yet. */
    public static final int INCOMPLETE = 0;
    /**
     * From {@link #next(MemorySegment, long, int)}: the header's length is under 16 or over the limit, or its mark is in another format than those before;
     * nothing after it can be trusted.
     */
    public static final int BAD_HEADER = -1;

    /** From {@link #descriptor()}: the message is not marked. */
    public static final int NONE = -1;
    /** From {@link #descriptor()}: the message is marked, and the kernel said that it dropped a descriptor here. */
    public static final int LOST = -2;
    /** From {@link #descriptor()}: the message is marked, and no descriptor came with it. */
    public static final int MISSING = -3;

    private static final boolean BIG_ENDIAN = ByteOrder.nativeOrder() == ByteOrder.BIG_ENDIAN;

    private final IntConsumer unclaimed;
    private final Arrivals arrivals = new Arrivals();
    private Dialect dialect;
    private int limit;
    /** The longest length that every dialect can say and the limit allows. */
    private int plainLimit;
    /** Where in the stream the current message begins, and up to where bytes have arrived. */
    private long position;
    private long arrivedTo;
    /** The current message's length, 0 as long as its header is not whole. */
    private int length;
    private int descriptor = NONE;
    private @Nullable Dialect lastMarked;

    /**
     * A framer at the beginning of a stream.
     *
     * @param dialect how headers are read
     * @param limit the longest message in bytes with the header, 16 or more; under 65536 for AUTO
     * @param unclaimed takes over descriptors that no message claims, to close them
     */
    public Framer(Dialect dialect, int limit, IntConsumer unclaimed) {
        this.dialect = dialect;
        limit(limit);
        this.unclaimed = unclaimed;
    }

    /**
     * Changes how headers are read, from the next one on.
     *
     * @param read the dialect
     */
    public void dialect(Dialect read) {
        if (dialect != read)
            lastMarked = null;
        dialect = read;
    }

    /**
     * Changes the limit from the next header on.
     *
     * @param bytes the longest message in bytes with the header, 16 or more
     */
    public void limit(int bytes) {
        limit = bytes;
        plainLimit = Math.min(bytes, Dialect.CLASSIC_LIMIT);
    }

    /**
     * The limit.
     *
     * @return the longest message in bytes with the header
     */
    public int limit() {
        return limit;
    }

    /** Makes room for one more descriptor, so that {@link #arrived(int, int, boolean)} needs no memory. To be called before a read. */
    public void makeRoom() {
        arrivals.makeRoom();
    }

    /**
     * A read has added bytes to the end of the memory.
     *
     * @param bytes how many, 1 or more
     * @param fd the descriptor that came with them, or -1; the framer holds it until a message claims it
     * @param lost whether the kernel dropped a descriptor that should have come with them; of no meaning if one came
     */
    public void arrived(int bytes, int fd, boolean lost) {
        long from = arrivedTo;
        arrivedTo += bytes;
        if (fd >= 0)
            arrivals.add(from, arrivedTo, fd);
        else if (lost)
            arrivals.add(from, arrivedTo, LOST);
    }

    /**
     * Looks at the first message in memory. After a whole one, the next call looks behind it: callers pass the memory from
     * there.
     *
     * @param memory the memory
     * @param offset where the current message begins in it
     * @param available how many bytes of the stream there are from there
     * @return the message's length with the header, {@link #INCOMPLETE} or {@link #BAD_HEADER}
     */
    public int next(MemorySegment memory, long offset, int available) {
        if (length == 0) {
            if (available < SIZE)
                return INCOMPLETE;
            int word = ImsgHeader.word(memory, offset);
            if (isPlain(word) && word <= available && descriptor == NONE && arrivals.isEmpty()) {
                position += word;
                return word;
            }
            int said = dialect.length(word, BIG_ENDIAN);
            boolean marked = dialect.marked(word, BIG_ENDIAN);
            Dialect format = dialect.of(word, BIG_ENDIAN);
            if (said < SIZE || said > limit || marked && lastMarked != null && lastMarked != format)
                return BAD_HEADER;
            length = said;
            if (descriptor >= 0)
                unclaimed.accept(descriptor());
            descriptor = NONE;
            if (marked) {
                lastMarked = format;
                descriptor = claim();
            }
        }
        if (available < length) {
            // Of what came with this message's bytes, only what came with bytes beyond its end can be claimed by a later one.
            if (!arrivals.isEmpty())
                drop(Math.min(position + length, arrivedTo));
            return INCOMPLETE;
        }
        int whole = length;
        position += whole;
        length = 0;
        if (!arrivals.isEmpty())
            drop(position);
        return whole;
    }

    /**
     * The descriptor of the message that {@link #next(MemorySegment, long, int)} last returned whole; it is the caller's from then on. One that is not
     * asked for goes to the {@code unclaimed} consumer with the next message.
     *
     * @return the descriptor, {@link #NONE}, {@link #LOST} or {@link #MISSING}
     */
    public int descriptor() {
        int taken = descriptor;
        descriptor = NONE;
        return taken;
    }

    /**
     * Puts back the message that {@link #next(MemorySegment, long, int)} last returned whole: the next call returns it again.
     *
     * @param whole its length with the header
     * @param itsDescriptor what {@link #descriptor()} returned for it, which is the framer's again
     */
    public void putBack(int whole, int itsDescriptor) {
        position -= whole;
        length = whole;
        descriptor = itsDescriptor;
    }

    /**
     * How many bytes the current message has, as far as that is known.
     *
     * @return its length with the header, or 16 while the header is not whole
     */
    public int needed() {
        return length == 0 ? SIZE : length;
    }

    /**
     * What a header after {@link #BAD_HEADER} says its length is.
     *
     * @param memory the memory
     * @param offset where the header begins
     * @return bytes, 0 to 2147483647
     */
    public int saidLength(MemorySegment memory, long offset) {
        return ImsgHeader.length(memory, offset, dialect);
    }

    /**
     * The format of the marked messages, by which an AUTO peer is answered; a peer does not change it.
     *
     * @return CLASSIC or MODERN, or null if no marked message has come yet
     */
    public @Nullable Dialect lastMarked() {
        return lastMarked;
    }

    /**
     * Gives up the descriptor that came with bytes of which no whole message has been made: the current message's, or else the
     * first that waits for one. For a framer whose bytes go to another.
     *
     * @return the descriptor, the caller's then; {@link #LOST}; or {@link #NONE}
     */
    public int giveUp() {
        if (descriptor >= 0 || descriptor == LOST)
            return descriptor();
        return arrivals.isEmpty() ? NONE : arrivals.remove();
    }

    /** Hands every descriptor still held to the {@code unclaimed} consumer: the stream is over. */
    public void close() {
        if (descriptor >= 0)
            unclaimed.accept(descriptor());
        drop(Long.MAX_VALUE);
    }

    /**
     * Whether a word says only a length, and the same one in each dialect: what nearly all messages have. Big-endian machines
     * take the long way, since the dialects have their lengths in different places there.
     */
    private boolean isPlain(int word) {
        return !BIG_ENDIAN && word >= SIZE && word <= plainLimit;
    }

    private int claim() {
        // Reads that ended before this message began are gone already: see drop.
        if (arrivals.isEmpty() || arrivals.firstFrom() > position && !cameWithTheHeader())
            return MISSING;
        return arrivals.remove();
    }

    /**
     * Whether the first descriptor came with a part of this header and with no byte of a later message, for which it may be
     * otherwise.
     */
    private boolean cameWithTheHeader() {
        return arrivals.firstFrom() < position + SIZE && arrivals.firstTo() <= position + length;
    }

    /** Lets go what came with reads that ended at or before a place in the stream where no unseen message begins. */
    private void drop(long before) {
        while (!arrivals.isEmpty() && arrivals.firstTo() <= before) {
            int fd = arrivals.remove();
            if (fd >= 0)
                unclaimed.accept(fd);
        }
    }
}
