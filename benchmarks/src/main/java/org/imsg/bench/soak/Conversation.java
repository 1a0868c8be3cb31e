package org.imsg.bench.soak;

import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Queue;
import java.util.Random;
import org.imsg.Imsg;
import org.imsg.ImsgChannel;
import org.imsg.WireFormat;
import org.imsg.unix.Fd;
import org.imsg.unix.FdChannel;
import org.imsg.unix.UnixAddress;

/** A client's conversation with a server, in which every answer is checked. */
final class Conversation {
    /** A busy machine starts a JVM for some of them first, and others wait before them. */
    static final Duration PATIENCE = Duration.ofMinutes(4);
    private static final int LONGEST = 16_000;
    private static final int SHORT = 64;
    /** No more than the buffers of two sockets have room for. */
    private static final int LONG_ON_THEIR_WAY = 4;
    private static final int SHORT_ON_THEIR_WAY = 32;

    private final Tally tally;
    private final Random random;

    /** A question that was asked; its pipe's end to read from, or null. */
    private record Question(int id, byte[] payload, Fd pipe) {}

    Conversation(Tally tally, Random random) {
        this.tally = tally;
        this.random = random;
    }

    /** A client of either kind of C library. */
    static WireFormat format(Random random) {
        return random.nextBoolean() ? WireFormat.CLASSIC : WireFormat.MODERN;
    }

    /** Asks so many questions; with a descriptor each they are short, and more are on their way at a time. */
    void hold(Path socket, int questions, boolean passing) throws IOException {
        Queue<Question> asked = new ArrayDeque<>();
        try (ImsgChannel channel = ImsgChannel.connect(UnixAddress.of(socket), PATIENCE)) {
            channel.format(format(random)).allowFdPassing();
            for (int id = 1; id <= questions; id++) {
                if (asked.size() == (passing ? SHORT_ON_THEIR_WAY : LONG_ON_THEIR_WAY))
                    check(channel, asked.remove());
                byte[] payload = new byte[random.nextInt(passing ? SHORT : LONGEST)];
                random.nextBytes(payload);
                asked.add(ask(channel, id, payload, passing));
            }
            while (!asked.isEmpty())
                check(channel, asked.remove());
            channel.shutdownOutput();
            try (Imsg more = channel.receive(PATIENCE)) {
                if (more != null)
                    throw new IOException("there is one more answer: " + more);
            }
            tally.connections.incrementAndGet();
        } catch (IOException | RuntimeException e) {
            throw new IOException("with " + socket.getFileName() + ", " + asked.size() + " questions unanswered", e);
        } finally {
            for (Question question : asked)
                if (question.pipe != null)
                    question.pipe.close();
        }
    }

    private static Question ask(ImsgChannel channel, int id, byte[] payload, boolean passing) throws IOException {
        Fd.Pair pipe = passing ? Fd.pipe() : null;
        try (Imsg ask = Imsg.of(EchoService.ASK, id, 0, payload)) {
            channel.send(pipe == null ? ask : ask.withFd(pipe.second()), PATIENCE);
            return new Question(id, payload, pipe == null ? null : pipe.first());
        } catch (IOException | RuntimeException e) {
            if (pipe != null)
                pipe.close();
            throw e;
        }
    }

    private void check(ImsgChannel channel, Question question) throws IOException {
        try (Fd pipe = question.pipe; Imsg answer = channel.receive(PATIENCE)) {
            if (answer == null)
                throw new EOFException("no answer to " + question.id);
            if (answer.type() != EchoService.ANSWER || answer.id() != question.id
                    || !Arrays.equals(answer.payload(), question.payload) || answer.hasFd() != (pipe != null))
                throw new IOException("the answer to " + question.id + " of " + question.payload.length + " bytes is "
                        + answer + " with " + answer.descriptor());
            if (pipe != null)
                checkDescriptor(answer, question);
        }
        tally.answers.incrementAndGet();
    }

    /** The server has written into the pipe, and what it sent back is the same pipe. */
    private void checkDescriptor(Imsg answer, Question question) throws IOException {
        try (Fd back = answer.takeFd(); FdChannel pipe = new FdChannel(question.pipe.dup())) {
            EchoService.mark(back, question.id);
            ByteBuffer marks = ByteBuffer.allocate(2 * Integer.BYTES);
            while (marks.hasRemaining())
                if (pipe.read(marks) < 0)
                    throw new EOFException("the pipe of " + question.id + " has an end");
            if (marks.getInt(0) != question.id || marks.getInt(Integer.BYTES) != question.id)
                throw new IOException("the pipe of " + question.id + " has " + Arrays.toString(marks.array()));
        }
        tally.descriptors.incrementAndGet();
    }
}
