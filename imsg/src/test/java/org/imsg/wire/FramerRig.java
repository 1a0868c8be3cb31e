package org.imsg.wire;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** A framer with the memory in front of it, used as a channel uses it, and a count of the descriptors it holds. */
final class FramerRig {
    /** A message as it came out; descriptor is as {@link Framer#descriptor} gives it. */
    record Message(int type, int length, int descriptor) {}

    final List<Integer> unclaimed = new ArrayList<>();
    final Framer framer;
    private byte[] memory = new byte[0];
    private int start;
    private int given;
    private int taken;

    FramerRig(Dialect dialect, int limit) {
        framer = new Framer(dialect, limit, unclaimed::add);
    }

    static byte[] message(Dialect dialect, int type, int length, boolean marked) {
        byte[] message = new byte[length];
        Arrays.fill(message, ImsgHeader.SIZE, length, (byte) type);
        ImsgHeader.write(MemorySegment.ofArray(message), 0, dialect, type, length, marked, 0, 0);
        return message;
    }

    static byte[] glued(byte[]... parts) {
        byte[] whole = new byte[Arrays.stream(parts).mapToInt(part -> part.length).sum()];
        int at = 0;
        for (byte[] part : parts) {
            System.arraycopy(part, 0, whole, at, part.length);
            at += part.length;
        }
        return whole;
    }

    /** One read, after which nobody looks for messages yet. */
    void arrive(byte[] bytes, int descriptor, boolean lost) {
        byte[] left = Arrays.copyOfRange(memory, start, memory.length);
        memory = glued(left, bytes);
        start = 0;
        if (descriptor >= 0)
            given++;
        framer.arrived(bytes.length, descriptor, lost);
    }

    List<Message> read(byte[] bytes) {
        return read(bytes, -1);
    }

    List<Message> read(byte[] bytes, int descriptor) {
        arrive(bytes, descriptor, false);
        return drain();
    }

    List<Message> readLost(byte[] bytes) {
        arrive(bytes, -1, true);
        return drain();
    }

    /** All whole messages in memory. */
    List<Message> drain() {
        List<Message> messages = new ArrayList<>();
        for (int length; (length = next()) > 0;) {
            int descriptor = framer.descriptor();
            if (descriptor >= 0)
                taken++;
            messages.add(new Message(ImsgHeader.type(segment(), start - length), length, descriptor));
        }
        return messages;
    }

    int next() {
        int length = framer.next(segment(), start, memory.length - start);
        if (length > 0)
            start += length;
        return length;
    }

    void putBack(int length, int descriptor) {
        framer.putBack(length, descriptor);
        start -= length;
    }

    int saidLength() {
        return framer.saidLength(segment(), start);
    }

    /** How many descriptors went in and have not come out. */
    int held() {
        return given - taken - unclaimed.size();
    }

    private MemorySegment segment() {
        return MemorySegment.ofArray(memory);
    }
}
