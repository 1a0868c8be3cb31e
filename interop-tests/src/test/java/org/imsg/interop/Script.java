package org.imsg.interop;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.SplittableRandom;

/**
 * What a sender does to a receiver, made from a seed: the bytes of a stream of messages in the classic format, how they are
 * cut into writes, which descriptors go with which write, after which writes the receiver reads, and how it ends.
 *
 * @param bytes the stream
 * @param writes its cuts; every byte is in one write, in order
 * @param ends whether the stream ends after the last write
 * @param regular how many messages come before the first whose mark and descriptor do not agree
 * @param plain whether no flag but the mark is set, so that the bytes mean the same to a reader of both formats
 */
record Script(byte[] bytes, List<Write> writes, boolean ends, int regular, boolean plain) {
    /** The longest stream: fits a socket's buffer in one piece. */
    static final int MOST_BYTES = 40_000;

    private static final int HEADER = 16;
    private static final int LIMIT = 16384;

    /**
     * One sendmsg(2).
     *
     * @param files the descriptors that go with it, by the number of their file
     * @param read whether the receiver then reads all there is
     */
    record Write(int from, int to, int[] files, boolean read) {
        @Override
        public String toString() {
            return from + ".." + to + (files.length == 0 ? "" : " with " + Arrays.toString(files))
                    + (read ? ", read" : "");
        }
    }

    /** Writes one by hand. */
    static final class Builder {
        private final ByteArrayOutputStream stream = new ByteArrayOutputStream();
        private final List<Write> writes = new ArrayList<>();

        Builder write(byte[] bytes, int... files) {
            writes.add(new Write(stream.size(), stream.size() + bytes.length, files, false));
            stream.writeBytes(bytes);
            return this;
        }

        Builder read() {
            Write last = writes.removeLast();
            writes.add(new Write(last.from, last.to, last.files, true));
            return this;
        }

        Script build() {
            return new Script(stream.toByteArray(), writes, false, 0, true);
        }
    }

    static Script of(long seed, int files) {
        return new Maker(new SplittableRandom(seed), files).make();
    }

    @Override
    public String toString() {
        return "writes " + writes + (ends ? ", end" : "")
                + (regular == Integer.MAX_VALUE ? "" : ", irregular from message " + regular) + ", bytes "
                + HexFormat.of().formatHex(bytes);
    }

    /** Makes one. */
    private static final class Maker {
        private final SplittableRandom random;
        private final int fileCount;
        private final ByteArrayOutputStream stream = new ByteArrayOutputStream();
        /** Where descriptors are sent, in order, and which. */
        private final List<Integer> places = new ArrayList<>();
        private final List<int[]> files = new ArrayList<>();
        /** One script in three does what no C library would. */
        private final boolean irregular;
        private final boolean plain;
        private int messages;
        private int regular = Integer.MAX_VALUE;

        Maker(SplittableRandom random, int fileCount) {
            this.random = random;
            this.fileCount = fileCount;
            this.irregular = random.nextInt(3) == 0;
            this.plain = random.nextBoolean();
        }

        Script make() {
            int count = random.nextInt(7);
            while (messages < count)
                addMessage(size());
            boolean broken = chance(12);
            if (broken)
                addBroken();
            byte[] bytes = stream.toByteArray();
            boolean cut = !broken && bytes.length > 1 && chance(12);
            if (cut)
                bytes = Arrays.copyOf(bytes, bytes.length - 1 - random.nextInt(Math.min(40, bytes.length - 1)));
            return new Script(bytes, cuts(bytes.length), cut || chance(40), regular, plain);
        }

        private boolean chance(int percent) {
            return random.nextInt(100) < percent;
        }

        private int size() {
            int kind = random.nextInt(100);
            if (kind < 25)
                return 0;
            if (kind < 85)
                return 1 + random.nextInt(40);
            if (kind < 99)
                return random.nextInt(600);
            int room = MOST_BYTES - stream.size() - 2 * HEADER - 20 - 6 * 640;
            int size = chance(20) ? LIMIT - HEADER : random.nextInt(LIMIT - HEADER + 1);
            return Math.max(0, Math.min(size, room));
        }

        private void addMessage(int size) {
            boolean marked = chance(35);
            boolean sent = marked;
            int place = stream.size();
            if (irregular && chance(25)) {
                regular = Math.min(regular, messages);
                if (marked && size > 0 && chance(30))
                    place += random.nextInt(HEADER + size);
                else
                    sent = !marked;
            }
            if (sent) {
                places.add(place);
                files.add(chance(5) ? new int[]{file(), file()} : new int[]{file()});
            }
            addHeader(HEADER + size, marked);
            byte[] payload = new byte[size];
            random.nextBytes(payload);
            stream.writeBytes(payload);
            messages++;
        }

        private int file() {
            return random.nextInt(fileCount);
        }

        /** A length that cannot be, and something after it. */
        private void addBroken() {
            int[] edges = {0, HEADER - 1, LIMIT + 1, 0xffff};
            int length = chance(50)
                    ? edges[random.nextInt(edges.length)]
                    : chance(50) ? random.nextInt(HEADER) : LIMIT + 1 + random.nextInt(0xffff - LIMIT);
            addHeader(length, chance(20));
            byte[] rest = new byte[random.nextInt(20)];
            random.nextBytes(rest);
            stream.writeBytes(rest);
        }

        private void addHeader(int length, boolean marked) {
            // The other flags have no meaning in the classic format.
            int flags = (!plain && chance(20) ? random.nextInt(0x8000) & ~1 : 0) | (marked ? 1 : 0);
            stream.writeBytes(ByteBuffer.allocate(HEADER).order(ByteOrder.nativeOrder()).putInt(random.nextInt())
                    .putShort((short) length).putShort((short) flags).putInt(random.nextInt())
                    .putInt(random.nextInt()).array());
        }

        private List<Write> cuts(int length) {
            List<Write> writes = new ArrayList<>();
            boolean bytewise = length < 150 && chance(3);
            // Of 1000 cuts a large share would be in vain: about three in the whole stream, wherever its descriptors allow.
            int mean = Math.max(1, bytewise ? 1 : length / 3);
            int next = 0;
            for (int at = 0; at < length;) {
                int[] with = {};
                if (next < places.size() && places.get(next) == at)
                    with = files.get(next++);
                int to = bytewise ? at + 1 : chance(30) ? length : at + 1 + random.nextInt(2 * mean);
                if (next < places.size())
                    to = Math.min(to, places.get(next));
                to = Math.min(to, length);
                writes.add(new Write(at, to, with, chance(40)));
                at = to;
            }
            return writes;
        }
    }
}
