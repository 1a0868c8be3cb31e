package org.imsg.harness.conformance;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Semaphore;
import java.util.concurrent.locks.LockSupport;
import org.imsg.WireFormat;
import org.imsg.harness.record.Event;
import org.imsg.harness.stream.Chunk;
import org.imsg.harness.stream.RawListener;
import org.imsg.harness.stream.RawSocket;
import org.imsg.unix.Fd;

/** Sends every message back, in the modern format, and has one fault. */
final class DefectiveServer implements AutoCloseable {
    enum Defect {
        NONE, TAKES_SHORT_LENGTHS, HAS_NO_LIMIT, HAS_A_LOW_LIMIT, WANTS_WHOLE_WRITES, FORGETS_THE_SECOND_MESSAGE, KEEPS_DESCRIPTORS, KEEPS_UNMARKED_DESCRIPTORS, KEEPS_DESCRIPTORS_OF_HALF_A_MESSAGE, WAITS_FOR_PROMISED_DESCRIPTORS, STAYS_AFTER_THE_END, DIES_OF_HALF_A_HEADER, SERVES_ONE_AT_A_TIME, TIRES_AFTER_A_HUNDRED, READS_THREE, LETS_ONE_BLOCK_ALL, ENDS_ONLY_ITS_OUTPUT
    }

    /** No fault: a daemon may do so. */
    enum Habit {
        NONE, GREETS, ENDS_AFTER_AN_ANSWER, ANSWERS_SLOWLY, PAUSES_INSIDE_A_MESSAGE, PAUSES_BETWEEN_MESSAGES
    }

    private static final int LIMIT = 16384;
    private static final int REQUEST = 7;
    private static final long SLOWLY = Duration.ofMillis(120).toNanos();
    private static final long PAUSE = Duration.ofMillis(300).toNanos();

    private final Defect defect;
    private final Habit habit;
    private final RawListener listener;
    private final Thread accepting;
    private final Set<RawSocket> clients = ConcurrentHashMap.newKeySet();
    private final Set<Thread> threads = ConcurrentHashMap.newKeySet();
    private final Set<Fd> kept = ConcurrentHashMap.newKeySet();
    private final Semaphore turn;

    DefectiveServer(Path socket, Defect defect) throws IOException {
        this(socket, defect, Habit.NONE);
    }

    DefectiveServer(Path socket, Defect defect, Habit habit) throws IOException {
        this.defect = defect;
        this.habit = habit;
        this.listener = RawListener.listen(socket, 0600);
        this.turn = new Semaphore(defect == Defect.LETS_ONE_BLOCK_ALL ? 1 : 1000);
        this.accepting = Thread.ofVirtual().start(this::accept);
    }

    private void accept() {
        Thread last = null;
        try {
            for (;;) {
                RawSocket client = listener.accept();
                clients.add(client);
                Thread before = last;
                last = Thread.ofVirtual().start(() -> serve(client, before));
                threads.add(last);
            }
        } catch (IOException _) {
            // closed
        }
    }

    /** One at a time means in the order in which they came. */
    private void serve(RawSocket client, Thread before) {
        boolean leave = true;
        try {
            if (defect == Defect.SERVES_ONE_AT_A_TIME && before != null)
                before.join();
            if (habit == Habit.GREETS)
                client.send(Event.header(WireFormat.MODERN, 99, 16, false, 0, 1));
            leave = talk(client);
        } catch (IOException | InterruptedException _) {
            // the client has left
        } finally {
            if (leave) {
                clients.remove(client);
                client.close();
            }
        }
    }

    /** False leaves the connection open. */
    private boolean talk(RawSocket client) throws IOException {
        byte[] pending = {};
        List<Fd> descriptors = new ArrayList<>();
        int count = 0;
        try {
            for (;;) {
                byte[] rest = pending;
                List<Fd> arrived = descriptors;
                try (Chunk chunk = client.receive()) {
                    if (chunk == null) {
                        if (defect == Defect.KEEPS_DESCRIPTORS_OF_HALF_A_MESSAGE)
                            keep(arrived);
                        if (defect == Defect.DIES_OF_HALF_A_HEADER && rest.length > 0 && rest.length < 16)
                            listener.close();
                        return defect != Defect.STAYS_AFTER_THE_END;
                    }
                    for (Fd fd : chunk.descriptors())
                        arrived.add(fd.dup());
                    pending = Arrays.copyOf(rest, rest.length + chunk.bytes().length);
                    System.arraycopy(chunk.bytes(), 0, pending, rest.length, chunk.bytes().length);
                }
                while (pending.length >= 16) {
                    int length = ByteBuffer.wrap(pending).order(ByteOrder.nativeOrder()).getInt(4);
                    boolean marked = length < 0;
                    length &= 0x7FFF_FFFF;
                    if (length < 16 && defect == Defect.TAKES_SHORT_LENGTHS)
                        length = 16;
                    int limit = defect == Defect.HAS_A_LOW_LIMIT ? LIMIT - 1 : LIMIT;
                    if (length < 16 || length > limit && defect != Defect.HAS_NO_LIMIT)
                        return refused(client);
                    if (pending.length < length)
                        break;
                    if (marked && descriptors.isEmpty() && defect == Defect.WAITS_FOR_PROMISED_DESCRIPTORS)
                        break;
                    if (defect == Defect.KEEPS_DESCRIPTORS && marked
                            || defect == Defect.KEEPS_UNMARKED_DESCRIPTORS && !marked)
                        keep(descriptors);
                    descriptors.forEach(Fd::close);
                    descriptors.clear();
                    if (++count <= 100 || defect != Defect.TIRES_AFTER_A_HUNDRED)
                        answer(client, Arrays.copyOf(pending, length));
                    if (count == 3 && defect == Defect.READS_THREE)
                        return false;
                    if (habit == Habit.ENDS_AFTER_AN_ANSWER)
                        return true;
                    pending = Arrays.copyOfRange(pending, length, pending.length);
                    if (defect == Defect.FORGETS_THE_SECOND_MESSAGE)
                        pending = new byte[0];
                }
                if (defect == Defect.WANTS_WHOLE_WRITES)
                    pending = new byte[0];
            }
        } finally {
            descriptors.forEach(Fd::close);
        }
    }

    private boolean refused(RawSocket client) throws IOException {
        if (defect == Defect.ENDS_ONLY_ITS_OUTPUT) {
            client.shutdownOutput();
            for (Chunk chunk; (chunk = client.receive()) != null;)
                chunk.close();
        }
        return true;
    }

    private void keep(List<Fd> descriptors) {
        descriptors.forEach(fd -> kept.add(fd.move()));
        descriptors.clear();
    }

    private void answer(RawSocket client, byte[] message) throws IOException {
        message[7] &= 0x7F;
        if (habit == Habit.ANSWERS_SLOWLY)
            LockSupport.parkNanos(SLOWLY);
        boolean shared = defect == Defect.LETS_ONE_BLOCK_ALL;
        if (shared)
            turn.acquireUninterruptibly();
        try {
            if (habit == Habit.PAUSES_INSIDE_A_MESSAGE)
                send(client, Arrays.copyOf(message, 9), Arrays.copyOfRange(message, 9, message.length));
            else if (habit == Habit.PAUSES_BETWEEN_MESSAGES
                    && ByteBuffer.wrap(message).order(ByteOrder.nativeOrder()).getInt() == REQUEST)
                send(client, message, ofType(98, message));
            else
                client.send(message);
        } finally {
            if (shared)
                turn.release();
        }
    }

    /** An empty message with the other one's peerid and pid. */
    private static byte[] ofType(int type, byte[] other) {
        ByteBuffer header = ByteBuffer.wrap(other).order(ByteOrder.nativeOrder());
        return Event.header(WireFormat.MODERN, type, 16, false, header.getInt(8), header.getInt(12));
    }

    private static void send(RawSocket client, byte[] first, byte[] second) throws IOException {
        client.send(first);
        LockSupport.parkNanos(PAUSE);
        client.send(second);
    }

    @Override
    public void close() {
        listener.close();
        Threads.join(accepting);
        clients.forEach(RawSocket::close);
        for (Thread thread : threads)
            Threads.join(thread);
        kept.forEach(Fd::close);
    }
}
