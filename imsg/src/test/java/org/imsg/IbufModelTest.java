package org.imsg;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.Random;
import java.util.stream.LongStream;

import org.junit.jupiter.api.Test;

/**
 * An {@link Ibuf} against the simplest thing that could be one: an array of the maximum size and two indexes. Run one seed
 * again with {@code -Dimsg.seed=}.
 */
class IbufModelTest {
    private static final int SEEDS = 500;
    private static final int STEPS = 400;

    private final byte[] all = new byte[300];
    private int read;
    private int write;
    private int max;
    private Ibuf ibuf;
    private Random random;

    @Test
    void random_calls_do_to_an_ibuf_what_they_do_to_an_array() {
        Long one = Long.getLong("imsg.seed");
        LongStream seeds = one == null ? LongStream.range(0, SEEDS) : LongStream.of(one);
        seeds.forEach(this::run);
    }

    private void run(long seed) {
        random = new Random(seed);
        read = 0;
        write = 0;
        max = 1 + random.nextInt(all.length);
        ibuf = random.nextBoolean() ? Ibuf.open(max) : Ibuf.dynamic(random.nextInt(max + 1), max);
        for (int step = 0; step < STEPS; step++) {
            int call = random.nextInt(16);
            try {
                perform(call);
                assertThat(ibuf.data().toArray(ValueLayout.JAVA_BYTE)).isEqualTo(Arrays.copyOfRange(all, read, write));
                assertThat(ibuf.size()).isEqualTo(write - read);
                assertThat(ibuf.left()).isEqualTo(max - write);
            } catch (AssertionError | RuntimeException e) {
                throw new AssertionError("seed " + seed + ", step " + step + ", call " + call, e);
            }
        }
    }

    private void perform(int call) {
        switch (call) {
            case 0, 1, 2 -> addNumber();
            case 3 -> addBlock();
            case 4 -> addZeros();
            case 5 -> addItself();
            case 6 -> addString();
            case 7, 8 -> getNumber();
            case 9 -> getBlock();
            case 10 -> getPart();
            case 11 -> setNumber();
            case 12 -> setBlock();
            case 13 -> truncate();
            case 14 -> rewindOrMove();
            default -> lowerTheMaximum();
        }
    }

    private void addNumber() {
        AnyNumber number = AnyNumber.any(random);
        added(number.bytes, () -> number.add(ibuf));
    }

    private void addBlock() {
        byte[] block = block();
        int kind = random.nextInt(3);
        added(block, () -> {
            switch (kind) {
                case 0 -> ibuf.add(block);
                case 1 -> ibuf.add(ByteBuffer.wrap(block));
                default -> ibuf.reserve(block.length).copyFrom(Ibuf.fromBuffer(block).data());
            }
        });
    }

    private void addZeros() {
        int len = random.nextInt(40);
        added(new byte[len], () -> ibuf.addZero(len));
    }

    private void addItself() {
        if (random.nextInt(4) == 0) {
            added(Arrays.copyOfRange(all, read, write), () -> ibuf.addIbuf(ibuf));
        }
    }

    private void addString() {
        byte[] field = new byte[5 + random.nextInt(10)];
        byte[] word = "imsg".getBytes(UTF_8);
        System.arraycopy(word, 0, field, 0, word.length);
        added(field, () -> ibuf.addStrbuf("imsg", field.length));
    }

    private void getNumber() {
        AnyNumber number = AnyNumber.any(random);
        int width = number.bytes.length;
        if (here(width)) {
            assertThat(number.get(ibuf)).isEqualTo(AnyNumber.read(number.network, all, read, width));
            read += width;
        } else {
            tooShort(width, () -> number.get(ibuf));
        }
    }

    private void getBlock() {
        int len = random.nextInt(40);
        if (here(len)) {
            assertThat(ibuf.get(len)).isEqualTo(Arrays.copyOfRange(all, read, read + len));
            read += len;
        } else {
            tooShort(len, () -> ibuf.get(new byte[len]));
        }
    }

    private void getPart() {
        int len = random.nextInt(40);
        if (here(len)) {
            assertThat(Ibuf.fromIbuf(ibuf).get(len)).isEqualTo(Arrays.copyOfRange(all, read, read + len));
            assertThat(ibuf.getIbuf(len).get(len)).isEqualTo(Arrays.copyOfRange(all, read, read + len));
            read += len;
        } else {
            tooShort(len, () -> ibuf.skip(len));
        }
    }

    private void setNumber() {
        AnyNumber number = AnyNumber.any(random);
        int pos = random.nextInt(40);
        set(pos, number.bytes, () -> number.set(ibuf, pos));
    }

    private void setBlock() {
        byte[] block = block();
        int pos = random.nextInt(40);
        set(pos, block, () -> ibuf.set(pos, block));
    }

    private void truncate() {
        int len = random.nextInt(60);
        if (len > write - read) {
            added(new byte[len - (write - read)], () -> ibuf.truncate(len));
        } else {
            ibuf.truncate(len);
            write = read + len;
        }
    }

    private void rewindOrMove() {
        if (random.nextBoolean()) {
            ibuf.rewind();
            read = 0;
        } else {
            ibuf = ibuf.move();
        }
    }

    private void lowerTheMaximum() {
        if (random.nextInt(10) == 0) {
            max -= random.nextInt(Math.min(10, max - write) + 1);
            ibuf.setMaxSize(max);
        }
    }

    private byte[] block() {
        byte[] block = new byte[random.nextInt(40)];
        random.nextBytes(block);
        return block;
    }

    private boolean here(int len) {
        return len <= write - read;
    }

    private void added(byte[] bytes, Runnable call) {
        if (bytes.length <= max - write) {
            call.run();
            System.arraycopy(bytes, 0, all, write, bytes.length);
            write += bytes.length;
        } else {
            assertThatThrownBy(call::run).isInstanceOfSatisfying(ImsgTooLargeException.class, e -> {
                assertThat(e.size()).isEqualTo(write + bytes.length);
                assertThat(e.limit()).isEqualTo(max);
            });
        }
    }

    private void set(int pos, byte[] bytes, Runnable call) {
        if (here(pos + bytes.length)) {
            call.run();
            System.arraycopy(bytes, 0, all, read + pos, bytes.length);
        } else {
            assertThatThrownBy(call::run).isInstanceOf(IndexOutOfBoundsException.class);
        }
    }

    private void tooShort(int asked, Runnable call) {
        assertThatThrownBy(call::run).isInstanceOfSatisfying(TruncatedMessageException.class, e -> {
            assertThat(e.asked()).isEqualTo(asked);
            assertThat(e.left()).isEqualTo(write - read);
        });
    }

    /** A number of any width in either order, with the calls for it. */
    private record AnyNumber(boolean network, long value, byte... bytes) {
        static AnyNumber any(Random random) {
            boolean network = random.nextBoolean();
            byte[] bytes = new byte[1 << (network ? random.nextInt(4) : 1 + random.nextInt(3))];
            random.nextBytes(bytes);
            return new AnyNumber(network, read(network, bytes, 0, bytes.length), bytes);
        }

        static long read(boolean network, byte[] from, int at, int width) {
            boolean bigEndian = network || ByteOrder.nativeOrder() == ByteOrder.BIG_ENDIAN;
            long value = 0;
            for (int i = 0; i < width; i++) {
                value = value << 8 | from[bigEndian ? at + i : at + width - 1 - i] & 0xff;
            }
            return value;
        }

        void add(Ibuf ibuf) {
            switch (bytes.length) {
                case 1 -> ibuf.addN8((int) value);
                case 2 -> pick(() -> ibuf.addN16((int) value), () -> ibuf.addH16((int) value));
                case 4 -> pick(() -> ibuf.addN32(value), () -> ibuf.addH32(value));
                default -> pick(() -> ibuf.addN64(value), () -> ibuf.addH64(value));
            }
        }

        void set(Ibuf ibuf, int pos) {
            switch (bytes.length) {
                case 1 -> ibuf.setN8(pos, (int) value);
                case 2 -> pick(() -> ibuf.setN16(pos, (int) value), () -> ibuf.setH16(pos, (int) value));
                case 4 -> pick(() -> ibuf.setN32(pos, value), () -> ibuf.setH32(pos, value));
                default -> pick(() -> ibuf.setN64(pos, value), () -> ibuf.setH64(pos, value));
            }
        }

        long get(Ibuf ibuf) {
            return switch (bytes.length) {
                case 1 -> ibuf.getN8();
                case 2 -> network ? ibuf.getN16() : ibuf.getH16();
                case 4 -> network ? ibuf.getN32() : ibuf.getH32();
                default -> network ? ibuf.getN64() : ibuf.getH64();
            };
        }

        private void pick(Runnable networkOrder, Runnable hostOrder) {
            (network ? networkOrder : hostOrder).run();
        }
    }
}
