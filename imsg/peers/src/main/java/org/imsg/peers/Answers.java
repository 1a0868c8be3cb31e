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
 * The answers of a daemon, which may be of another version than its client believes, or out of order. Safe for several threads.
 *
 * @param <V> the daemon's versions
 */
public final class Answers<V> {
    private final String daemon;
    private final V version;
    private final List<V> versions;

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
     * @param version its version, as its client was told
     * @param versions all that are known
     */
    public Answers(String daemon, V version, List<V> versions) {
        this.daemon = daemon;
        this.version = version;
        this.versions = List.copyOf(versions);
    }

    /**
     * Waits for an answer.
     *
     * @param channel the connection
     * @param patience how long at most
     * @return the message, the caller's to close if it has a descriptor
     * @throws EOFException if the daemon ends the connection
     * @throws IOException as {@link ImsgChannel#receive(Duration)}
     */
    public Imsg receive(ImsgChannel channel, Duration patience) throws IOException {
        Imsg answer = channel.receive(patience);
        if (answer == null)
            throw new EOFException(daemon + " ended the connection before its answer");
        return answer;
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
