package org.imsg.harness.conformance;

import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
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
 * @param patience how long an answer may take, or the end of a connection that the daemon should close
 */
public record Target(Path socket, WireFormat format, int limit, int type, int id, byte[] payload, Duration patience) {
    /** Checks that the format is named. */
    public Target {
        if (format == WireFormat.AUTO)
            throw new IllegalArgumentException("the daemon's format is CLASSIC or MODERN, not AUTO: probe finds out");
        if (limit < 16)
            throw new IllegalArgumentException("a limit is 16 bytes or more, not " + limit);
    }

    /** The request, as the client of a pid sends it. */
    byte[] request(int pid) {
        byte[] bytes = Arrays.copyOf(Event.header(format, type, 16 + payload.length, false, id, pid),
                16 + payload.length);
        System.arraycopy(payload, 0, bytes, 16, payload.length);
        return bytes;
    }

    /** The header of a message that the daemon does not know. */
    byte[] unknown(int pid, int length, boolean marked) {
        return Event.header(format, Probe.UNKNOWN_TYPE, length, marked, id, pid);
    }
}
