package org.imsg.privsep.ops;

import java.io.IOException;
import java.time.Duration;
import java.util.List;
import org.imsg.Imsg;
import org.imsg.unix.ErrnoException;
import org.jspecify.annotations.Nullable;

/** Reads the monitor's replies in the child. */
final class Reply {
    private Reply() {}

    static List<String> list(Imsg reply) throws IOException {
        try {
            return Fields.of(reply).list("answers found");
        } catch (MalformedRequestException e) {
            throw new IOException("the monitor's answer is malformed: " + e.getMessage(), e);
        }
    }

    /** Throws what a reply reports, and closes it then. */
    static Imsg checked(Imsg reply, Object what, Duration deadline) throws IOException {
        IOException failure = failure(reply, what, deadline);
        if (failure == null)
            return reply;
        reply.close();
        throw failure;
    }

    /** Reads the failure that a reply reports, or returns null. */
    static @Nullable IOException failure(Imsg reply, Object what, Duration deadline) {
        Fields fields = Fields.of(reply);
        try {
            return switch (reply.type()) {
                case OperationProtocol.REFUSED -> new RefusedException(fields.string("rule"), fields.string("reason"));
                case OperationProtocol.FAILED -> failed(fields);
                case OperationProtocol.EXPIRED -> new RequestExpiredException(what.toString(), deadline);
                case OperationProtocol.MALFORMED -> new IOException("the monitor took the request for malformed: "
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
