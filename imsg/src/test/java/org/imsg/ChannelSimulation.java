package org.imsg;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;
import static org.imsg.sys.Constants.EAGAIN;
import static org.imsg.sys.Constants.EBADF;
import static org.imsg.sys.Constants.ECONNRESET;
import static org.imsg.sys.Constants.EPIPE;
import static org.imsg.sys.Constants.MSG_DONTWAIT;
import static org.imsg.sys.Constants.MSG_PEEK;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import java.net.SocketTimeoutException;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Random;
import java.util.function.BooleanSupplier;
import org.imsg.sys.Descriptors;
import org.imsg.sys.Msghdr;
import org.imsg.sys.Posix;
import org.imsg.unix.ErrnoException;
import org.imsg.unix.Fd;
import org.imsg.unix.Sockets;

/**
 * One run of {@link ChannelSimulationTest}: two channels over real sockets, each with its other end in the hands of a peer in the
 * middle, who knows what was composed. One thread does it all, so that the numbers of a {@link Random} are the order of events.
 */
final class ChannelSimulation implements AutoCloseable {
    /** A number that no open descriptor has. */
    private static final int NO_DESCRIPTOR = 1_000_000;
    private static final int NO_FILE = -1;
    private static final int MOST_STEPS = 100;
    /** How much the peer in the middle holds back in a direction. */
    private static final int HELD = 1 << 16;
    /** Enough for all that a socket may hold, in reads of one message. */
    private static final int MOST_CALLS = 10_000;
    private static final int NOTHING = 0;
    private static final int ENDED = -1;
    private static final Arena ARENA = Arena.ofAuto();
    private static final MemorySegment ERRNO = Posix.errnoSegment(ARENA);
    private static final MemorySegment HEADER = ARENA.allocate(16);
    /** A byte of a header that makes a length too small, in each format. */
    private static final int SMALL_LENGTH = ByteOrder.nativeOrder() == ByteOrder.LITTLE_ENDIAN ? 4 : 7;
    private static final MemorySegment[] HELD_BYTES = {ARENA.allocate(HELD), ARENA.allocate(HELD)};

    /** What happened, in numbers; none should be 0 in many runs. */
    static final class Tally {
        private long messages, descriptors, lost, refused, untaken, queuedOnly, full, cut, whole, resets, faults,
                brokenPipes;

        long[] counts() {
            return new long[]{messages, descriptors, lost, refused, untaken, queuedOnly, full, cut, whole, resets,
                    faults,
                    brokenPipes};
        }

        void add(Tally other) {
            messages += other.messages;
            descriptors += other.descriptors;
            lost += other.lost;
            refused += other.refused;
            untaken += other.untaken;
            queuedOnly += other.queuedOnly;
            full += other.full;
            cut += other.cut;
            whole += other.whole;
            resets += other.resets;
            faults += other.faults;
            brokenPipes += other.brokenPipes;
        }

        @Override
        public String toString() {
            return messages + " messages, " + descriptors + " descriptors, " + lost + " lost, " + refused + " refused, "
                    + untaken + " messages not taken and " + queuedOnly + " queued in the time, " + full
                    + " full sockets, " + whole + " ends between messages, " + cut + " inside, " + resets + " resets, "
                    + faults + " faults, " + brokenPipes + " broken pipes";
        }
    }

    /** A message that a channel has taken, and its place in the stream. */
    private static final class Message {
        final int type;
        final int id;
        final int pid;
        final byte[] payload;
        final int file;
        final long start;
        final long end;
        /** Whether the table was full while its descriptor may have been received. */
        boolean mayBeLost;

        Message(int type, int id, int pid, byte[] payload, int file, long start) {
            this.type = type;
            this.id = id;
            this.pid = pid;
            this.payload = payload;
            this.file = file;
            this.start = start;
            end = start + ImsgChannel.HEADER_SIZE + payload.length;
        }

        @Override
        public String toString() {
            return "message " + type + " of " + payload.length + " bytes at " + start
                    + (file == NO_FILE ? "" : " with file " + file);
        }
    }

    /** One channel, and the end of its socket that the peer in the middle has. */
    private final class Side {
        final ImsgChannel channel;
        final Fd raw;
        /** Whether the channel can say nothing any more: its socket was ended by the peer, or by itself. */
        boolean mute;

        Side(WireFormat written, boolean guesses) throws IOException {
            Fd.Pair pair = Fd.socketpair();
            raw = pair.second();
            if (random.nextBoolean())
                Sockets.intOption(pair.first(), "SO_SNDBUF", 1);
            channel = ImsgChannel.of(pair.first()).allowFdPassing();
            if (guesses)
                channel.assume(written);
            else
                channel.format(written);
        }
    }

    /** What ends a direction for the channel that receives. */
    private enum End {
        NONE, CLOSED, RESET, FAULT
    }

    /** One direction: what the one channel has composed, what the peer in the middle holds, what the other has received. */
    private final class Way {
        final Side from;
        final Side to;
        final MemorySegment held;
        final ArrayDeque<Message> expected = new ArrayDeque<>();
        /** Where the messages begin with a descriptor that the peer has not seen, and the numbers of those it has not passed on. */
        final ArrayDeque<Message> unseen = new ArrayDeque<>();
        final ArrayDeque<Long> heldPlaces = new ArrayDeque<>();
        final ArrayDeque<Integer> heldNumbers = new ArrayDeque<>();
        long composed;
        /** The places in the stream of the first byte held, and the first not received; the former is also the end of what was passed on. */
        long passed;
        long arrived;
        int messages;
        int refusals;
        boolean sourceEnded;
        End end = End.NONE;

        Way(Side from, Side to, MemorySegment held) {
            this.from = from;
            this.to = to;
            this.held = held;
        }

        // The sender

        void compose() throws IOException {
            boolean withFile = random.nextInt(3) == 0;
            int file = withFile ? random.nextInt(files.count()) : NO_FILE;
            Message message = new Message(random.nextInt(), messages, 1 + random.nextInt(1 << 20), payload(), file,
                    composed);
            ImsgChannel channel = from.channel;
            Fd fd = withFile ? files.duplicate(file) : null;
            switch (random.nextInt(4)) {
                case 0 -> channel.compose(message.type, message.id, message.pid, fd, message.payload);
                case 1 -> {
                    int middle = message.payload.length / 2;
                    channel.composev(message.type, message.id, message.pid, fd,
                            MemorySegment.ofArray(Arrays.copyOf(message.payload, middle)), MemorySegment.ofArray(
                                    Arrays.copyOfRange(message.payload, middle, message.payload.length)));
                }
                case 2 -> {
                    try (ImsgChannel.Batch _ = channel.batch()) {
                        channel.compose(message.type, message.id, message.pid, fd, message.payload);
                        write();
                    }
                }
                default -> {
                    if (!send(channel, message, fd))
                        return;
                }
            }
            taken(message);
        }

        /** Whether the channel has taken the message, whatever else it says. */
        private boolean send(ImsgChannel channel, Message message, Fd fd) throws IOException {
            Imsg bare = Imsg.of(message.type, message.id, message.pid, message.payload);
            try (Imsg imsg = fd == null ? bare : bare.withFd(fd)) {
                try {
                    channel.send(imsg, Duration.ZERO);
                } catch (SocketTimeoutException _) {
                    tally.untaken++;
                    assertThat(imsg.descriptor())
                            .isEqualTo(fd == null ? DescriptorState.NONE : DescriptorState.PRESENT);
                    return false;
                } catch (ImsgQueuedException _) {
                    tally.queuedOnly++;
                } catch (ErrnoException e) {
                    broken(e);
                    return imsg.descriptor() == DescriptorState.TAKEN;
                }
                return true;
            }
        }

        private void taken(Message message) {
            messages++;
            composed = message.end;
            expected.add(message);
            if (message.file != NO_FILE)
                unseen.add(message);
        }

        /** A message whose descriptor the kernel refuses is dropped, and told once. */
        void composeRefused() throws IOException {
            from.channel.compose(1, 2, 3, Fd.of(NO_DESCRIPTOR), payload());
            refusals++;
        }

        private byte[] payload() {
            int length = switch (random.nextInt(20)) {
                case 0 -> random.nextInt(ImsgChannel.MAX_IMSGSIZE - ImsgChannel.HEADER_SIZE + 1);
                case 1, 2, 3 -> random.nextInt(4000);
                case 4 -> 0;
                default -> random.nextInt(100);
            };
            byte[] payload = new byte[length];
            random.nextBytes(payload);
            return payload;
        }

        /** Returns whether nothing is left. */
        boolean write() throws IOException {
            try {
                boolean all = from.channel.write();
                if (!all)
                    tally.full++;
                return all;
            } catch (ErrnoException e) {
                if (e.number() == EBADF) {
                    refusals -= 1 + e.getSuppressed().length;
                    assertThat(refusals).isNotNegative();
                    tally.refused++;
                } else {
                    broken(e);
                }
                return false;
            }
        }

        private void broken(ErrnoException e) {
            if (!from.mute)
                throw new AssertionError("the peer is there", e);
            assertThat(e.number()).isIn(EPIPE, ECONNRESET);
            tally.brokenPipes++;
        }

        // The peer in the middle

        /** Receives up to so many bytes; false if there is nothing, no room, or the end. */
        boolean take(int most) {
            int at = (int) (arrived - passed);
            int length = Math.min(most, HELD - at);
            if (sourceEnded || length == 0)
                return false;
            int n;
            int fd = -1;
            try (Msghdr header = Msghdr.forReceive(true)) {
                n = header.receive(from.raw.intValue(), held.address() + at, length, MSG_DONTWAIT);
                if (n > 0) {
                    assertThat(header.descriptorCount()).isLessThan(2);
                    if (header.descriptorCount() == 1)
                        fd = header.descriptor(0);
                }
            }
            if (n == -EAGAIN)
                return false;
            if (n <= 0) {
                sourceEnded = true;
                return false;
            }
            arrived += n;
            assertThat(arrived).as("what was sent").isLessThanOrEqualTo(composed);
            if (fd >= 0)
                hold(fd, arrived - n);
            if (!unseen.isEmpty() && unseen.peek().start < arrived)
                fail("no descriptor came with the first byte of %s", unseen.peek());
            return true;
        }

        private void hold(int fd, long from) {
            Message message = unseen.poll();
            heldNumbers.add(fd);
            heldPlaces.add(message == null ? -1 : message.start);
            if (message == null || message.start < from || message.start >= arrived)
                fail("a descriptor came with the bytes from %d to %d, and not with %s", from, arrived, message);
        }

        /** Passes up to so many bytes on, with the descriptor that goes with the first; false if nothing went. */
        boolean give(int most) {
            if (end != End.NONE || passed == arrived)
                return false;
            boolean withDescriptor = !heldPlaces.isEmpty() && heldPlaces.peek() == passed;
            if (withDescriptor) {
                long place = heldPlaces.poll();
                int n = send(Math.min(most, untilNextDescriptor()), heldNumbers.peek());
                if (n <= 0) {
                    heldPlaces.addFirst(place);
                    return false;
                }
                Descriptors.close(heldNumbers.poll());
                return true;
            }
            return send(Math.min(most, untilNextDescriptor()), -1) > 0;
        }

        private int untilNextDescriptor() {
            return (int) ((heldPlaces.isEmpty() ? arrived : heldPlaces.peek()) - passed);
        }

        private int send(int length, int fd) {
            int n;
            try (Msghdr header = Msghdr.forSend()) {
                n = header.send(to.raw.intValue(), held.address(), length, fd, MSG_DONTWAIT);
            }
            if (n > 0) {
                MemorySegment.copy(held, n, held, 0, arrived - passed - n);
                passed += n;
            }
            return n;
        }

        /** Ends the direction here, whatever is still to be passed on. */
        void end(End how) {
            if (end == End.NONE)
                end = how;
        }

        /** Passes on up to the end of a message, and then what cannot be one. */
        void breakProtocol() throws IOException {
            if (isInside(passed))
                moveUntil(() -> !isInside(passed));
            if (isInside(passed) || end != End.NONE)
                return;
            try (Msghdr header = Msghdr.forSend()) {
                HEADER.fill((byte) 0).set(JAVA_BYTE, random.nextInt(2) == 0 ? SMALL_LENGTH : 0,
                        (byte) random.nextInt(16));
                if (header.send(to.raw.intValue(), HEADER.address(), 16, -1, MSG_DONTWAIT) == 16)
                    end(End.FAULT);
            }
        }

        private void moveUntil(BooleanSupplier reached) throws IOException {
            for (int idle = 0; idle < 3 && !reached.getAsBoolean(); idle++) {
                write();
                take(HELD);
                while (!reached.getAsBoolean() && give((int) Math.min(untilBoundary(), HELD)))
                    idle = 0;
                if (receive(random.nextInt(4)) > 0)
                    idle = 0;
            }
        }

        private boolean isInside(long place) {
            for (Message message : expected)
                if (message.start < place && place < message.end)
                    return true;
            return false;
        }

        private long untilBoundary() {
            for (Message message : expected)
                if (passed < message.end)
                    return message.end - passed;
            return HELD;
        }

        // The receiver

        /** Receives in one of four ways; returns the messages, NOTHING or ENDED. */
        int receive(int how) throws IOException {
            boolean full = withFullTable && random.nextInt(15) == 0;
            if (!full)
                return receiveNow(how);
            for (Message message : expected)
                message.mayBeLost |= message.start < passed;
            files.fillTable();
            try {
                return receiveNow(how);
            } finally {
                files.emptyTable();
            }
        }

        private int receiveNow(int how) throws IOException {
            try {
                return switch (how) {
                    case 0 -> to.channel.poll(this::shown);
                    case 1 -> to.channel.read(this::shown, Duration.ZERO);
                    case 2 -> {
                        Imsg message = to.channel.receive(Duration.ZERO);
                        yield message == null ? ENDED : received(message);
                    }
                    default -> {
                        Imsg message = to.channel.get();
                        yield message == null ? NOTHING : received(message);
                    }
                };
            } catch (SocketTimeoutException _) {
                return NOTHING;
            } catch (Interruption _) {
                return 1;
            }
        }

        private int received(Imsg imsg) {
            try (imsg) {
                Message message = next(imsg.type(), imsg.id(), imsg.pid());
                assertThat(imsg.payload()).isEqualTo(message.payload);
                checkState(message, imsg.descriptor());
                if (imsg.hasFd() && random.nextInt(4) > 0)
                    checkFile(message, imsg.takeFd());
            }
            return 1;
        }

        private void shown(ImsgView view) throws Interruption {
            Message message = next(view.type(), view.id(), view.pid());
            assertThat(view.payload().mismatch(MemorySegment.ofArray(message.payload))).isEqualTo(-1);
            checkState(message, view.descriptor());
            if (view.hasFd() && random.nextInt(4) > 0)
                checkFile(message, view.takeFd());
            if (random.nextInt(30) == 0)
                throw Interruption.NOW;
        }

        private Message next(int type, int id, int pid) {
            Message message = expected.poll();
            if (message == null || type != message.type || id != message.id || pid != message.pid)
                fail("type %d, id %d and pid %d came instead of %s", type, id, pid, message);
            if (message.end > passed)
                fail("%s came before it was sent", message);
            tally.messages++;
            return message;
        }

        private void checkState(Message message, DescriptorState state) {
            if (state == DescriptorState.LOST && message.mayBeLost && message.file != NO_FILE)
                tally.lost++;
            else
                assertThat(state).as("%s", message)
                        .isEqualTo(message.file == NO_FILE ? DescriptorState.NONE : DescriptorState.PRESENT);
        }

        private void checkFile(Message message, Fd fd) {
            try (fd) {
                tally.descriptors++;
                assertThat(files.which(fd)).as("%s", message).isEqualTo(message.file);
            }
        }

        /** After the direction has ended: what was passed on comes, and then the end, in every way of receiving, again and again. */
        void checkEnd() throws IOException {
            int told = 0;
            for (int call = 0; told < 6; call++)
                if (isEndTold(call % 3))
                    told++;
                else if (told > 0 || call == MOST_CALLS)
                    fail("after %d calls the end was told %d times", call, told);
            if (!expected.isEmpty() && expected.peek().end <= passed)
                fail("%s did not come", expected.peek());
        }

        private boolean isEndTold(int how) throws IOException {
            try {
                int n = receiveNow(how);
                if (n == ENDED)
                    ended(End.CLOSED, false);
                return n == ENDED;
            } catch (ImsgEofException e) {
                ended(End.CLOSED, true);
            } catch (ImsgProtocolException e) {
                ended(End.FAULT, false);
            } catch (ErrnoException e) {
                assertThat(e.number()).isEqualTo(ECONNRESET);
                ended(End.RESET, false);
            }
            return true;
        }

        private void ended(End how, boolean inside) {
            assertThat(how).isEqualTo(end);
            if (how == End.CLOSED)
                assertThat(inside).as("inside a message").isEqualTo(isInside(passed));
            switch (how) {
                case RESET -> tally.resets++;
                case FAULT -> tally.faults++;
                default -> {
                    if (inside)
                        tally.cut++;
                    else
                        tally.whole++;
                }
            }
        }

        /** Everything goes its way until nothing moves any more. */
        void settle() throws IOException {
            for (int idle = 0; idle < 4; idle++) {
                if (!from.mute && !write())
                    idle = 0;
                while (take(HELD))
                    idle = 0;
                while (give(HELD))
                    idle = 0;
                while (end == End.NONE && receiveNow(idle) > 0)
                    idle = 0;
            }
            if (end == End.NONE) {
                assertThat(expected).as("what did not come").isEmpty();
                if (!from.mute)
                    assertThat(refusals).as("refusals not told").isZero();
            }
        }

        void closeHeld() {
            heldNumbers.forEach(Descriptors::close);
            heldNumbers.clear();
        }
    }

    /** What a handler throws that has seen enough for now. */
    @SuppressWarnings("serial")
    private static final class Interruption extends IOException {
        static final Interruption NOW = new Interruption();

        private Interruption() {
            super("a handler's own", null);
        }
    }

    private final Random random;
    private final PassedFiles files;
    private final boolean withFullTable;
    private final Tally tally = new Tally();
    private final BitSet openBefore;
    private final Side first;
    private final Side second;
    private final Way there;
    private final Way back;

    ChannelSimulation(Random random, PassedFiles files, boolean withFullTable) throws IOException {
        this.random = random;
        this.files = files;
        this.withFullTable = withFullTable;
        openBefore = files.open();
        WireFormat written = random.nextBoolean() ? WireFormat.MODERN : WireFormat.CLASSIC;
        first = new Side(written, random.nextBoolean());
        second = new Side(written, random.nextBoolean());
        there = new Way(first, second, HELD_BYTES[0]);
        back = new Way(second, first, HELD_BYTES[1]);
    }

    Tally run() throws IOException {
        for (int step = random.nextInt(MOST_STEPS); step > 0; step--)
            step(random.nextInt(3) == 0 ? back : there);
        finish();
        close();
        BitSet changed = files.open();
        changed.xor(openBefore);
        if (!changed.isEmpty())
            fail("descriptors left open, or closed that were others': %s", changed);
        return tally;
    }

    private void step(Way way) throws IOException {
        switch (random.nextInt(10)) {
            case 0, 1, 2 -> way.compose();
            case 3 -> {
                if (random.nextInt(10) == 0)
                    way.composeRefused();
                else
                    way.write();
            }
            case 4, 5 -> way.take(some());
            case 6, 7 -> way.give(some());
            default -> way.receive(random.nextInt(4));
        }
    }

    private int some() {
        return 1 + random.nextInt(random.nextBoolean() ? 20 : HELD);
    }

    private void finish() throws IOException {
        switch (random.nextInt(6)) {
            case 0 -> {
                there.settle();
                back.settle();
                first.channel.shutdownOutput();
                first.mute = true;
                passEndOn(there);
                there.checkEnd();
                back.compose();
                back.settle();
            }
            case 1 -> {
                first.channel.close();
                while (there.take(some()))
                    there.give(some());
                while (there.give(some())) {
                    // what fits
                }
                passEndOn(there);
                there.checkEnd();
            }
            case 2 -> {
                Sockets.shutdownOutput(second.raw);
                there.end(End.CLOSED);
                there.checkEnd();
                back.settle();
            }
            case 3 -> {
                there.breakProtocol();
                if (there.end == End.FAULT)
                    there.checkEnd();
                back.settle();
            }
            case 4 -> {
                vanish(first, back);
                checkMute(there);
                back.checkEnd();
            }
            default -> {
                vanish(second, there);
                checkMute(back);
                there.checkEnd();
                vanish(first, back);
                checkMute(there);
                back.checkEnd();
            }
        }
    }

    private static void passEndOn(Way way) throws IOException {
        Sockets.shutdownOutput(way.to.raw);
        way.end(End.CLOSED);
    }

    /** The peer closes its end, which is a reset if the channel has sent what was not read. */
    private static void vanish(Side side, Way toIt) {
        try (Msghdr header = Msghdr.forReceive(false)) {
            int unread = header.receive(side.raw.intValue(), HEADER.address(), 1, MSG_DONTWAIT | MSG_PEEK);
            side.raw.close();
            side.mute = true;
            toIt.end(unread > 0 ? End.RESET : End.CLOSED);
        }
    }

    /** Each send fails, not the first alone. */
    private void checkMute(Way way) throws IOException {
        for (long enough = tally.brokenPipes + 3; tally.brokenPipes < enough;) {
            way.from.channel.compose(1, 2, 3, new byte[4]);
            assertThat(way.write()).isFalse();
        }
    }

    @Override
    public void close() throws IOException {
        there.closeHeld();
        back.closeHeld();
        try (first.raw; second.raw; first.channel; second.channel) {
            // all, whatever one of them does
        }
    }
}
