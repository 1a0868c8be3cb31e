package org.imsg.harness.conformance;

import java.io.IOException;
import java.time.Duration;

/** What the cases stand on: the target, and what is known about it. */
record CaseContext(Target target, CaseClient.KnownAnswer answer, boolean unknownTypeCloses) {
    private static final Duration MOMENT = Duration.ofMillis(200);

    static CaseContext explore(Target target) throws IOException {
        CaseClient.KnownAnswer answer;
        try (CaseClient client = new CaseClient(target, null)) {
            client.request();
            answer = new CaseClient.KnownAnswer(client.typesUntilSilence(MOMENT));
        }
        if (answer.types().isEmpty())
            throw new IOException("a request of type " + Integer.toUnsignedString(target.type())
                    + " is not answered at " + target.socket() + " within " + target.patience().toMillis() + " ms");
        try (CaseClient client = new CaseClient(target, answer)) {
            client.send(target.unknown(client.pid, 16, false));
            client.settle();
            client.request();
            return new CaseContext(target, answer, !client.answeredOrClosed());
        } catch (CaseClient.Failed e) {
            throw new IOException("after a message of an unknown type " + e.getMessage(), e);
        }
    }

    CaseClient connect() throws IOException {
        return new CaseClient(target, answer);
    }

    void needsUnknownType() throws SkippedCase {
        if (unknownTypeCloses)
            throw new SkippedCase("this daemon closes the connection at a type it does not know");
    }
}
