package org.imsg.wire;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.imsg.wire.FramerRig.Message;
import org.junit.jupiter.api.Test;

/**
 * Random streams, cut at random places, against a model that sees the whole stream at once: the descriptor of a read is
 * the first marked message's that begins in it. A failure names its seed; put it into {@link #FIRST_SEED} to see it alone.
 */
class FramerPropertyTest {
    private static final int FIRST_SEED = 1;
    private static final int SEEDS = 6_000;
    private static final int LIMIT = 1000;

    /** A message of the stream; begins at a byte, and comes with a descriptor or -1. */
    private record Sent(int begin, int type, int length, boolean marked, int descriptor) {
        int end() {
            return begin + length;
        }
    }

    /** One recvmsg: the bytes from, up to and without to; a descriptor or -1; whether one was dropped. */
    private record Read(int from, int to, int descriptor, boolean lost) {}

    private interface Script {
        void run(Random random);
    }

    private static void forEverySeed(Script script) {
        for (int seed = FIRST_SEED; seed < FIRST_SEED + SEEDS; seed++) {
            try {
                script.run(new Random(seed));
            } catch (AssertionError | RuntimeException e) {
                throw new AssertionError("seed " + seed + ": " + e.getMessage(), e);
            }
        }
    }

    @Test
    void a_conforming_sender_is_understood_however_its_stream_is_cut() {
        forEverySeed(random -> {
            Stream stream = new Stream(random, true);
            List<Read> reads = stream.cutAsTheKernelDoes(random);
            List<Message> expected = new ArrayList<>();
            for (Sent sent : stream.messages)
                expected.add(new Message(sent.type, sent.length, sent.marked ? sent.descriptor : Framer.NONE));
            FramerRig rig = new FramerRig(stream.dialect, LIMIT);
            assertThat(receive(rig, stream, reads, random)).isEqualTo(expected);
            assertThat(rig.unclaimed).isEmpty();
            assertThat(rig.held()).isZero();
        });
    }

    @Test
    void a_sender_that_marks_wrongly_confuses_only_the_reads_it_does_so_in() {
        forEverySeed(random -> {
            Stream stream = new Stream(random, false);
            checkAgainstModel(stream, stream.cutAsTheKernelDoes(random), random);
        });
    }

    @Test
    void whatever_comes_with_whatever_bytes_no_descriptor_is_lost_or_given_twice_or_hoarded() {
        forEverySeed(random -> {
            Stream stream = new Stream(random, false);
            checkAgainstModel(stream, stream.cutAnywhere(random), random);
        });
    }

    @Test
    void random_bytes_are_messages_or_refused_and_every_descriptor_comes_back() {
        forEverySeed(random -> {
            byte[] bytes = new byte[1 + random.nextInt(200)];
            // Small numbers, so that lengths are plausible now and then.
            for (int i = 0; i < bytes.length; i++)
                bytes[i] = (byte) (random.nextInt(3) == 0 ? random.nextInt() : random.nextInt(2) * 16);
            FramerRig rig = new FramerRig(Dialect.values()[random.nextInt(3)], LIMIT);
            List<Integer> seen = new ArrayList<>();
            int descriptors = 0;
            for (int from = 0; from < bytes.length;) {
                int to = from + 1 + random.nextInt(Math.min(20, bytes.length - from));
                int descriptor = random.nextBoolean() ? descriptors++ : -1;
                for (Message message : rig.read(Arrays.copyOfRange(bytes, from, to), descriptor))
                    if (message.descriptor() >= 0)
                        seen.add(message.descriptor());
                from = to;
            }
            rig.framer.close();
            seen.addAll(rig.unclaimed);
            assertThat(seen).hasSize(descriptors).doesNotHaveDuplicates();
        });
    }

    private static void checkAgainstModel(Stream stream, List<Read> reads, Random random) {
        FramerRig rig = new FramerRig(stream.dialect, LIMIT);
        List<Integer> unclaimed = new ArrayList<>();
        List<Message> expected = model(stream.messages, reads, unclaimed);
        assertThat(receive(rig, stream, reads, random)).isEqualTo(expected);
        // Every message is whole by now, so what nobody claimed has come back without close.
        assertThat(rig.unclaimed).containsExactlyInAnyOrderElementsOf(unclaimed);
        assertThat(rig.held()).isZero();
        rig.framer.close();
        assertThat(rig.unclaimed).hasSameSizeAs(unclaimed);
    }

    private static List<Message> receive(FramerRig rig, Stream stream, List<Read> reads, Random random) {
        boolean lazy = random.nextInt(4) == 0;
        List<Message> messages = new ArrayList<>();
        for (Read read : reads) {
            rig.arrive(Arrays.copyOfRange(stream.bytes, read.from, read.to), read.descriptor, read.lost);
            if (lazy && random.nextInt(3) > 0)
                continue;
            messages.addAll(rig.drain());
            if (rig.held() > ImsgHeader.SIZE)
                throw new AssertionError(rig.held() + " descriptors are held after " + read);
        }
        messages.addAll(rig.drain());
        return messages;
    }

    /** What is to come out, by looking at the whole; descriptors no message gets are added to the list. */
    private static List<Message> model(List<Sent> messages, List<Read> reads, List<Integer> unclaimed) {
        int[] descriptors = new int[messages.size()];
        for (int i = 0; i < descriptors.length; i++)
            descriptors[i] = messages.get(i).marked ? Framer.MISSING : Framer.NONE;
        for (Read read : reads) {
            if (read.descriptor < 0 && !read.lost)
                continue;
            int claimant = firstMarkedIn(messages, read);
            if (claimant < 0)
                claimant = markedAround(messages, read, descriptors);
            if (claimant >= 0)
                descriptors[claimant] = read.descriptor >= 0 ? read.descriptor : Framer.LOST;
            else if (read.descriptor >= 0)
                unclaimed.add(read.descriptor);
        }
        List<Message> expected = new ArrayList<>();
        for (int i = 0; i < descriptors.length; i++)
            expected.add(new Message(messages.get(i).type, messages.get(i).length, descriptors[i]));
        return expected;
    }

    private static int firstMarkedIn(List<Sent> messages, Read read) {
        for (int i = 0; i < messages.size(); i++) {
            Sent message = messages.get(i);
            if (message.marked && message.begin >= read.from && message.begin < read.to)
                return i;
        }
        return -1;
    }

    /** The message of whose header the read is a part, if it has no descriptor and nothing of a later one came along. */
    private static int markedAround(List<Sent> messages, Read read, int[] descriptors) {
        for (int i = 0; i < messages.size(); i++) {
            Sent message = messages.get(i);
            if (descriptors[i] == Framer.MISSING && message.begin < read.from
                    && read.from < message.begin + ImsgHeader.SIZE && read.to <= message.begin + message.length)
                return i;
        }
        return -1;
    }

    /** Some messages in a row, and their bytes. */
    private static final class Stream {
        final Dialect dialect;
        final List<Sent> messages = new ArrayList<>();
        final byte[] bytes;

        Stream(Random random, boolean conforming) {
            dialect = Dialect.values()[random.nextInt(3)];
            List<byte[]> parts = new ArrayList<>();
            int at = 0;
            int count = 1 + random.nextInt(20);
            int longest = random.nextInt(10) == 0 ? LIMIT : 60;
            Dialect writer = dialect != Dialect.AUTO
                    ? dialect
                    : random.nextBoolean() ? Dialect.CLASSIC : Dialect.MODERN;
            for (int i = 0; i < count; i++) {
                int length = ImsgHeader.SIZE + random.nextInt(longest - ImsgHeader.SIZE + 1);
                boolean marked = random.nextInt(3) == 0;
                boolean accompanied = conforming || random.nextBoolean() ? marked : random.nextBoolean();
                messages.add(new Sent(at, i, length, marked, accompanied ? 100 + i : -1));
                parts.add(FramerRig.message(writer, i, length, marked));
                at += length;
            }
            bytes = FramerRig.glued(parts.toArray(byte[][]::new));
        }

        /** A read has at most one descriptor, with the first byte of its message, and ends before the next one's. */
        List<Read> cutAsTheKernelDoes(Random random) {
            List<Read> reads = new ArrayList<>();
            int most = 1 + random.nextInt(random.nextBoolean() ? 10 : 300);
            for (int from = 0; from < bytes.length;) {
                Sent bearer = null;
                int to = Math.min(bytes.length, from + 1 + random.nextInt(most));
                for (Sent message : messages) {
                    if (message.descriptor < 0 || message.begin < from || message.begin >= to)
                        continue;
                    if (bearer == null)
                        bearer = message;
                    else {
                        to = message.begin;
                        break;
                    }
                }
                // Linux: nothing behind the bytes that were sent together with a descriptor comes in the same read.
                if (bearer != null && random.nextBoolean())
                    to = Math.min(to, bearer.end());
                reads.add(new Read(from, to, bearer == null ? -1 : bearer.descriptor, false));
                from = to;
            }
            return reads;
        }

        List<Read> cutAnywhere(Random random) {
            List<Read> reads = new ArrayList<>();
            int most = 1 + random.nextInt(random.nextBoolean() ? 3 : 300);
            int descriptor = 0;
            for (int from = 0; from < bytes.length;) {
                int to = Math.min(bytes.length, from + 1 + random.nextInt(most));
                boolean comes = random.nextInt(3) > 0;
                reads.add(new Read(from, to, comes ? descriptor++ : -1, random.nextInt(4) == 0));
                from = to;
            }
            return reads;
        }
    }
}
