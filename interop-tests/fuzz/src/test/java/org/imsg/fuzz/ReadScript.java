package org.imsg.fuzz;

import java.io.ByteArrayOutputStream;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.imsg.wire.Dialect;
import org.imsg.wire.ImsgHeader;

/**
 * A stream of bytes and the reads it comes in, made of arbitrary input: a small language in which most inputs say something.
 *
 * @param limit the longest message with its header
 * @param stream all bytes
 * @param reads what each read gives, all of them together the stream
 */
record ReadScript(int limit, byte[] stream, List<Read> reads) {
    static final int MOST_BYTES = 1 << 15, MOST_READS = 200;
    private static final int FIRST_DESCRIPTOR = 1000;

    /** So many bytes, and a descriptor or -1. */
    record Read(int bytes, int descriptor) {}

    static ReadScript of(byte[] input, Dialect dialect) {
        return new Reader(input, dialect).script();
    }

    private static final class Reader {
        private final byte[] input;
        private final Dialect dialect;
        private final ByteArrayOutputStream stream = new ByteArrayOutputStream();
        private final List<Read> reads = new ArrayList<>();
        private final int limit;
        private int at;
        private int unread;

        Reader(byte[] input, Dialect dialect) {
            this.input = input;
            this.dialect = dialect;
            limit = ImsgHeader.SIZE + next() * 4;
        }

        private int next() {
            return at < input.length ? input[at++] & 0xFF : 0;
        }

        ReadScript script() {
            while (at < input.length && stream.size() < MOST_BYTES - 2048 && reads.size() < MOST_READS - 1)
                step(next());
            read(unread, false);
            return new ReadScript(limit, stream.toByteArray(), reads);
        }

        private void step(int what) {
            boolean flag = (what & 8) != 0;
            switch (what & 7) {
                case 0, 1 -> message(ImsgHeader.SIZE + next() % 64, flag);
                case 2 -> add(Arrays.copyOfRange(input, at, at += Math.min(next() % 32, input.length - at)));
                case 3 -> message(limit - 1 + next() % 3, flag);
                case 4 -> message(next() % ImsgHeader.SIZE, flag);
                case 5 -> read(1 + next() % 32, flag);
                case 6 -> read(1 + next() * 8, flag);
                default -> read(unread, flag);
            }
        }

        private void message(int length, boolean marked) {
            byte[] bytes = new byte[Math.max(ImsgHeader.SIZE, length)];
            Arrays.fill(bytes, (byte) next());
            ImsgHeader.write(MemorySegment.ofArray(bytes), 0, dialect, next(), length, marked, at, -at);
            add(bytes);
        }

        private void add(byte[] bytes) {
            stream.writeBytes(bytes);
            unread += bytes.length;
        }

        private void read(int most, boolean withDescriptor) {
            int bytes = Math.min(most, unread);
            if (bytes == 0)
                return;
            reads.add(new Read(bytes, withDescriptor ? FIRST_DESCRIPTOR + reads.size() : -1));
            unread -= bytes;
        }
    }
}
