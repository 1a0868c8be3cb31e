package org.imsg.harness.conformance;

import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import org.imsg.WireFormat;
import org.imsg.harness.record.Event;

/**
 * A daemon under test, and a request that it answers.
 *
 * @param socket its socket
 * @param format CLASSIC or MODERN: what it speaks
 * @param limit its longest message in bytes with the header; 16384 for most
 * @param type the type of a request that is answered
 * @param id its peerid
 * @param payload its payload
 * @param answer the types of the answer's messages, in order; empty: as the first answers have them
 * @param connections how many clients at once it serves; {@link #USUAL_CONNECTIONS} are tried at most, and with 1 no case has two
 * @param patience how long an answer may take, or the end of a connection that the daemon should close
 */
public record Target(Path socket, WireFormat format, int limit, int type, int id, byte[] payload, List<Integer> answer,
        int connections, Duration patience) {
    /** Every daemon is believed to serve so many clients at once, if its documentation says nothing else. */
    public static final int USUAL_CONNECTIONS = 50;

    private static final Duration MOMENT = Duration.ofMillis(200);
    private static final Duration PAUSE = Duration.ofSeconds(1);

    /** Checks that the format is named. */
    public Target {
        if (format == WireFormat.AUTO)
            throw new IllegalArgumentException("the daemon's format is CLASSIC or MODERN, not AUTO: probe finds out");
        if (limit < 16)
            throw new IllegalArgumentException("a limit is 16 bytes or more, not " + limit);
        if (connections < 1)
            throw new IllegalArgumentException("a limit of connections is 1 or more, not " + connections);
        answer = List.copyOf(answer);
    }

    /** As long as a daemon that has begun to answer may be silent. */
    Duration moment() {
        Duration quarter = patience.dividedBy(4);
        return quarter.compareTo(MOMENT) < 0 ? quarter : MOMENT;
    }

    /** How long the daemon may pause inside an answer of which no more is known. */
    Duration longestPause() {
        Duration quarter = patience.dividedBy(4);
        Duration longer = quarter.compareTo(PAUSE) < 0 ? PAUSE : quarter;
        return longer.compareTo(patience) < 0 ? longer : patience;
    }

    /** A message of the type that is answered, as the client of a pid sends it. */
    byte[] request(int peerid, int pid, byte[] body, boolean marked) {
        return message(type, peerid, pid, body, marked);
    }

    /** A message of a type that the daemon does not know. */
    byte[] unknown(int pid, byte[] body, boolean marked) {
        return message(Probe.UNKNOWN_TYPE, 0, pid, body, marked);
    }

    /** A header alone, of the type that is answered or of one that the daemon does not know, with any length. */
    byte[] header(boolean known, int pid, int length, boolean marked) {
        return Event.header(format, known ? type : Probe.UNKNOWN_TYPE, length, marked, known ? id : 0, pid);
    }

    /** The header of a marked request, whose payload has a byte at least. */
    byte[] markedHeader(int pid) {
        return Event.header(format, type, 16 + Math.max(1, payload.length), true, id, pid);
    }

    /** A message as the request, but for its type. */
    byte[] ofType(int other, int pid) {
        return message(other, id, pid, payload, false);
    }

    private byte[] message(int messageType, int peerid, int pid, byte[] body, boolean marked) {
        byte[] bytes = Arrays.copyOf(Event.header(format, messageType, 16 + body.length, marked, peerid, pid),
                16 + body.length);
        System.arraycopy(body, 0, bytes, 16, body.length);
        return bytes;
    }
}
