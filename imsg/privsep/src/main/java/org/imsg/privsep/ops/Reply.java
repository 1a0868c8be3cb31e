package org.imsg.privsep.ops;

import java.io.IOException;
import java.time.Duration;
import java.util.List;
import org.imsg.Ibuf;
import org.imsg.Imsg;
import org.imsg.unix.ErrnoException;

/** What a child makes of the monitor's replies. */
final class Reply {
    private Reply() {}

    static Fields fields(Imsg reply) {
        return new Fields(Ibuf.fromBuffer(reply.payload()));
    }

    static List<String> list(Imsg reply) throws IOException {
        try {
            return fields(reply).list("what was found");
        } catch (MalformedRequestException e) {
            throw new IOException("the monitor's answer is malformed: " + e.getMessage(), e);
        }
    }

    /** Throws if the answer is none that was hoped for. */
    static Imsg checked(Imsg reply, Object what, Duration deadline) throws IOException {
        IOException failure = failure(reply, what, deadline);
        if (failure == null)
            return reply;
        reply.close();
        throw failure;
    }

    /** What a reply reports, or null if it is good. */
    static IOException failure(Imsg reply, Object what, Duration deadline) {
        Fields fields = fields(reply);
        try {
            return switch (reply.type()) {
                case Protocol.REFUSED -> new RefusedException(fields.string("rule"), fields.string("reason"));
                case Protocol.FAILED -> failed(fields);
                case Protocol.EXPIRED -> new RequestExpiredException(what.toString(), deadline);
                case Protocol.MALFORMED -> new IOException("the monitor took the request for malformed: "
                        + fields.string("reason"));
                default -> null;
            };
        } catch (MalformedRequestException e) {
            return new IOException("the monitor's answer is malformed: " + e.getMessage(), e);
        }
    }

    private static IOException failed(Fields fields) throws MalformedRequestException {
        int number = fields.n32("errno");
        String call = fields.string("call");
        String on = fields.string("subject");
        return number == 0
                ? new IOException(fields.string("text"))
                : new ErrnoException(call, on.isEmpty() ? null : on, number);
    }
}
