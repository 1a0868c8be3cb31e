package org.imsg.peers;

import java.io.EOFException;
import java.io.IOException;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import org.imsg.Imsg;
import org.imsg.ImsgChannel;
import org.imsg.TruncatedMessageException;
import org.imsg.cstruct.MalformedStructException;

/**
 * Questions to a daemon, one after the other, and their answers. The daemon may be of another version than its client believes, or out
 * of order: silent, or sending without end. A question that fails ends the connection unless the daemon refused it: the rest of its answer would be
 * taken for that of the next one. For one thread at a time.
 *
 * @param <V> the daemon's versions
 */
public final class Answers<V> {
    /** Bytes of one answer at most, each message with its header: 64 MiB. Clients keep what they list. */
    public static final int MAX_ANSWER = 64 << 20;
    /** How long a daemon may be silent, and how long it may read nothing. */
    public static final Duration PATIENCE = Duration.ofSeconds(10);

    private final String daemon;
    private final ImsgChannel channel;
    private final V version;
    private final List<V> versions;
    private long received;

    /**
     * One question and the whole answer to it, in as many messages as it takes.
     *
     * @param <R> what the answer means
     */
    @FunctionalInterface
    public interface Exchange<R> {
        /**
         * Sends and receives.
         *
         * @return what the answer means
         * @throws IOException as the methods of {@link Answers}, and for what else is wrong
         */
        R run() throws IOException;
    }

    /**
     * Reads an answer as one version of the daemon writes it. Its {@link TruncatedMessageException},
     * {@link MalformedStructException} and {@link IllegalArgumentException} say that the daemon does not write so.
     *
     * @param <V> the daemon's versions
     * @param <M> the meaning
     */
    @FunctionalInterface
    public interface Meaning<V, M> {
        /**
         * Reads an answer.
         *
         * @param version the version
         * @param answer the message, of any type; its descriptor stays with it
         * @return what it means
         */
        M of(V version, Imsg answer);
    }

    /**
     * Names the daemon.
     *
     * @param daemon its name, for errors
     * @param channel the connection; stays the caller's
     * @param version its version, as its client was told
     * @param versions all that are known
     */
    public Answers(String daemon, ImsgChannel channel, V version, List<V> versions) {
        this.daemon = daemon;
        this.channel = channel;
        this.version = version;
        this.versions = List.copyOf(versions);
    }

    /**
     * Asks a question. The connection is closed if this throws anything but a {@link RefusedException}.
     *
     * @param <R> what the answer means
     * @param exchange the question and its answer
     * @return what it means
     * @throws IOException what the exchange throws
     */
    public <R> R ask(Exchange<R> exchange) throws IOException {
        boolean whole = false;
        received = 0;
        try {
            R answer = exchange.run();
            whole = true;
            return answer;
        } catch (RefusedException e) {
            whole = true;
            throw e;
        } finally {
            if (!whole)
                channel.close();
        }
    }

    /**
     * Asks a question that is one message.
     *
     * @param <R> what the answer means
     * @param question the message
     * @param answer receives the answer
     * @return what it means
     * @throws IOException as {@link #send(Imsg)}, or what the exchange throws
     */
    public <R> R ask(Imsg question, Exchange<R> answer) throws IOException {
        return ask(() -> {
            send(question);
            return answer.run();
        });
    }

    /**
     * Sends a message of a question.
     *
     * @param question the message
     * @throws IOException as {@link ImsgChannel#send(Imsg, Duration)}
     */
    public void send(Imsg question) throws IOException {
        channel.send(question, PATIENCE);
    }

    /**
     * Waits for a message of an answer.
     *
     * @return the message, the caller's to close if it has a descriptor
     * @throws EOFException if the daemon ends the connection
     * @throws IOException if the answer has more than {@link #MAX_ANSWER} bytes, or as {@link ImsgChannel#receive(Duration)}
     */
    public Imsg receive() throws IOException {
        Imsg answer = channel.receive(PATIENCE);
        if (answer == null)
            throw new EOFException(daemon + " ended the connection before its answer");
        received += ImsgChannel.HEADER_SIZE + answer.length();
        if (received <= MAX_ANSWER)
            return answer;
        try (answer) {
            throw new IOException(daemon + " sent more than " + MAX_ANSWER + " bytes in one answer");
        }
    }

    /** What the answer said so far was handed on, and counts for {@link #MAX_ANSWER} no more. */
    public void handedOn() {
        received = 0;
    }

    /**
     * Reads an answer.
     *
     * @param <M> the meaning
     * @param answer the message; its descriptor stays with it
     * @param meaning reads it as a version writes it
     * @return the meaning
     * @throws MalformedAnswerException if this version does not write so; the message names those known that do
     */
    public <M> M read(Imsg answer, Meaning<V, M> meaning) throws MalformedAnswerException {
        try {
            return meaning.of(version, answer);
        } catch (TruncatedMessageException | MalformedStructException | IllegalArgumentException e) {
            String others = versions.stream().filter(other -> other != version && reads(other, answer, meaning))
                    .map(Object::toString).collect(Collectors.joining(" or "));
            throw new MalformedAnswerException(daemon + " sent an answer that cannot be read (" + answer + "): "
                    + e.getMessage()
                    + (others.isEmpty() ? "" : "; it speaks as " + others + " does, not as " + version),
                    e);
        }
    }

    /**
     * Names the version that a daemon speaks, where its client knows better than by reading.
     *
     * @param other the version
     * @param cause the failure that tells
     * @return the exception, to be thrown
     */
    public MalformedAnswerException speaksAs(V other, IOException cause) {
        return new MalformedAnswerException(
                cause.getMessage() + "; " + daemon + " speaks as " + other + " does, not as "
                        + version,
                cause);
    }

    private boolean reads(V other, Imsg answer, Meaning<V, ?> meaning) {
        try {
            meaning.of(other, answer);
            return true;
        } catch (TruncatedMessageException | MalformedStructException | IllegalArgumentException _) {
            return false;
        }
    }

    /**
     * Checks the type of an answer, in a {@link Meaning}.
     *
     * @param answer the message
     * @param types those that it may have
     * @return the message
     * @throws IllegalArgumentException if it has another
     */
    public static Imsg ofType(Imsg answer, int... types) {
        if (Arrays.stream(types).noneMatch(type -> type == answer.type()))
            throw new IllegalArgumentException("it has type " + Integer.toUnsignedString(answer.type()) + ", not "
                    + Arrays.stream(types).mapToObj(Integer::toUnsignedString).collect(Collectors.joining(" or ")));
        return answer;
    }
}
