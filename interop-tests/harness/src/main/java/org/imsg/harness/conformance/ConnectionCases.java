package org.imsg.harness.conformance;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Ends, halves of ends, crowds and floods. */
final class ConnectionCases {
    private static final String ENDS = "ends";
    private static final String LOAD = "load";
    private static final int CROWD = 50;
    private static final int FLOOD = 1000;
    private static final int HEADER = 16;

    private ConnectionCases() {}

    static List<Case> all() {
        return List.of(
                new Case(ENDS, "half-close-after-request",
                        "imsgbuf_read returns 0: most daemons close at once, some answer before", context -> {
                            try (CaseClient client = context.connect()) {
                                client.request();
                                client.end();
                                return client.awaitEnd() > 0 ? "answered before" : "not answered";
                            }
                        }),
                new Case(ENDS, "end-in-header", "imsgbuf_read returns 0: the daemon closes, the rest is lost",
                        context -> endAfter(context, HEADER / 2)),
                new Case(ENDS, "end-in-payload", "imsgbuf_read returns 0: the daemon closes, the rest is lost",
                        context -> endAfter(context, HEADER + 10)),
                new Case(ENDS, "leaving-without-reading",
                        "imsgbuf_write fails with EPIPE or ECONNRESET: the daemon closes and goes on", context -> {
                            for (int i = 0; i < CROWD; i++)
                                try (CaseClient client = context.connect()) {
                                    client.request();
                                }
                            return CROWD + " connections";
                        }),
                new Case(LOAD, "many-connections", "each has an imsgbuf of its own", ConnectionCases::crowd),
                new Case(LOAD, "flood-of-requests", "answers are queued without a bound: all come",
                        ConnectionCases::flood),
                new Case(LOAD, "a-client-that-does-not-read",
                        "its answers stay queued; the event loop serves the others", ConnectionCases::slowReader));
    }

    private static String endAfter(CaseContext context, int bytes) throws IOException, CaseClient.Failed {
        try (CaseClient client = context.connect()) {
            client.send(Arrays.copyOf(context.target().unknown(client.pid, HEADER + 100, false), bytes));
            client.end();
            client.awaitEnd();
            return "";
        }
    }

    private static String crowd(CaseContext context) throws IOException, CaseClient.Failed {
        List<CaseClient> clients = new ArrayList<>();
        try {
            for (int i = 0; i < CROWD; i++)
                clients.add(context.connect());
            for (CaseClient client : clients)
                client.request();
            for (CaseClient client : clients)
                client.awaitAnswers(1);
            return CROWD + " connections";
        } finally {
            clients.forEach(CaseClient::close);
        }
    }

    /** Until the daemon reads no more, which is its right: then it has only to answer what it was sent whole. */
    private static int floodOf(CaseClient client) throws IOException {
        byte[] request = client.requestBytes();
        int whole = 0;
        while (whole < FLOOD && client.sendWhileRoom(request))
            whole++;
        return whole;
    }

    private static String flood(CaseContext context) throws IOException, CaseClient.Failed {
        try (CaseClient client = context.connect()) {
            int whole = floodOf(client);
            client.awaitAnswers(whole);
            return whole + " requests";
        }
    }

    private static String slowReader(CaseContext context) throws IOException, CaseClient.Failed {
        try (CaseClient slow = context.connect(); CaseClient other = context.connect()) {
            int whole = floodOf(slow);
            slow.settle();
            other.request();
            other.awaitAnswers(1);
            return whole + " requests unread";
        }
    }
}
