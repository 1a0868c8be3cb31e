package org.imsg.peers;

import java.util.function.Function;
import org.imsg.Imsg;
import org.imsg.TruncatedMessageException;
import org.imsg.cstruct.MalformedStructException;

/** Reads the answers of a daemon, which may be of another version than its client believes, or out of order. */
public final class Answers {
    private Answers() {}

    /**
     * Reads an answer.
     *
     * @param <M> the meaning
     * @param daemon the daemon's name, for the error
     * @param answer the message; its descriptor stays with it
     * @param meaning reads the payload; its {@link TruncatedMessageException}, {@link MalformedStructException} and
     *     {@link IllegalArgumentException} are the daemon's faults
     * @return the meaning
     * @throws MalformedAnswerException if the payload cannot be read
     */
    public static <M> M read(String daemon, Imsg answer, Function<Imsg, M> meaning) throws MalformedAnswerException {
        try {
            return meaning.apply(answer);
        } catch (TruncatedMessageException | MalformedStructException | IllegalArgumentException e) {
            throw new MalformedAnswerException(
                    daemon + " sent an answer that cannot be read (" + answer + "): " + e.getMessage(),
                    e);
        }
    }
}
