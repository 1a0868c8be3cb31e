package org.imsg.harness.conformance;

import java.io.IOException;
import java.time.Duration;

/** What the cases stand on: the target, and what is known about it. */
record Ground(Target target, Client.Answer answer, boolean unknownTypeCloses) {
    private static final Duration MOMENT = Duration.ofMillis(200);

    static Ground explore(Target target) throws IOException {
        Client.Answer answer;
        try (Client client = new Client(target, null)) {
            client.request();
            answer = new Client.Answer(client.typesUntilSilence(MOMENT));
        }
        if (answer.types().isEmpty())
            throw new IOException("a request of type " + Integer.toUnsignedString(target.type())
                    + " is not answered at " + target.socket() + " within " + target.patience().toMillis() + " ms");
        try (Client client = new Client(target, answer)) {
            client.send(target.unknown(client.pid, 16, false));
            client.settle();
            client.request();
            return new Ground(target, answer, !client.answeredOrClosed());
        } catch (Client.Failed e) {
            throw new IOException("after a message of an unknown type " + e.getMessage(), e);
        }
    }

    Client connect() throws IOException {
        return new Client(target, answer);
    }

    void needsUnknownType() throws Case.Skipped {
        if (unknownTypeCloses)
            throw new Case.Skipped("this daemon closes the connection at a type it does not know");
    }
}
