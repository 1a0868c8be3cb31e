package org.imsg.harness.conformance;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;

/** Ends, halves of ends, crowds and floods. */
final class ConnectionCases {
    private static final String ENDS = "ends";
    private static final String LOAD = "load";
    private static final int IN_TURN = 60;
    /** More than the kernel keeps for a client that does not read. */
    private static final int FLOOD_BYTES = 1 << 20;
    /** More than one read takes, so that reads end inside messages. */
    private static final int WRITE_BYTES = 1 << 16;
    private static final int FEWEST = 1000;
    private static final int MOST = 20_000;
    private static final int HEADER = 16;
    private static final int SLACK = 2;
    private static final long PAUSE_NANOS = 2_000_000;

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
                            for (int i = 0; i < IN_TURN; i++)
                                try (CaseClient client = context.connect()) {
                                    client.send(context.requests(client, context.ids(20)));
                                }
                            return IN_TURN + " connections";
                        }),
                new Case(ENDS, "nothing-is-left-open", "imsgbuf_clear, and the socket is closed",
                        context -> Files.isReadable(Path.of("/proc/self/fd")), ConnectionCases::descriptorsLeft),
                new Case(LOAD, "many-connections", "each has an imsgbuf of its own", ConnectionCases::crowd),
                new Case(LOAD, "flood-of-requests", "answers are queued without a bound: all come",
                        ConnectionCases::flood),
                new Case(LOAD, "a-client-that-does-not-read",
                        "its answers stay queued; the event loop serves the others", ConnectionCases::slowReader));
    }

    private static String endAfter(CaseContext context, int bytes) throws IOException, CaseClient.Failed {
        try (CaseClient client = context.connect()) {
            client.send(Arrays.copyOf(context.target().unknown(client.pid, new byte[100], false), bytes));
            client.end();
            client.awaitEnd();
            return "";
        }
    }

    /** As /proc tells, which is for root and for the daemon's own user. */
    private static String descriptorsLeft(CaseContext context) throws IOException, CaseClient.Failed, UntestedCase {
        int daemon;
        try (CaseClient client = context.connect()) {
            daemon = client.daemon();
            client.request();
            context.awaitAnswer(client);
        }
        if (daemon == ProcessHandle.current().pid())
            return "the daemon is in this process, which opens others";
        long before = open(daemon);
        for (int i = 0; i < IN_TURN; i++)
            try (CaseClient client = context.connect()) {
                client.request();
                context.awaitAnswer(client);
            }
        long deadline = System.nanoTime() + context.target().patience().toNanos();
        long left = open(daemon) - before;
        while (left > SLACK && System.nanoTime() < deadline) {
            LockSupport.parkNanos(PAUSE_NANOS);
            left = open(daemon) - before;
        }
        if (left > SLACK)
            throw new CaseClient.Failed(left + " descriptors more are open in process " + daemon + " after " + IN_TURN
                    + " clients have left");
        return IN_TURN + " connections";
    }

    private static long open(int pid) throws UntestedCase {
        try (Stream<Path> open = Files.list(Path.of("/proc", String.valueOf(pid), "fd"))) {
            return open.count();
        } catch (IOException e) {
            throw new UntestedCase("the descriptors of process " + pid + " cannot be counted: " + e.getMessage());
        }
    }

    private static String crowd(CaseContext context) throws IOException, CaseClient.Failed {
        int size = Math.min(context.target().connections(), Target.USUAL_CONNECTIONS);
        List<CaseClient> clients = new ArrayList<>();
        List<Integer> ids = context.ids(size);
        try {
            for (int i = 0; i < size; i++)
                clients.add(context.connect());
            for (int round = 0; round < 2; round++) {
                for (int i = 0; i < size; i++)
                    clients.get(i).send(context.requests(clients.get(i), ids.subList(i, i + 1)));
                for (int i = 0; i < size; i++)
                    context.awaitAnswers(clients.get(i), ids.subList(i, i + 1), context.target().payload());
            }
            return size + " connections";
        } finally {
            clients.forEach(CaseClient::close);
        }
    }

    /** Until the daemon reads no more, which is its right: then it has only to answer what it was sent whole. */
    private static int floodOf(CaseContext context, CaseClient client) throws IOException, UntestedCase {
        int atOnce = WRITE_BYTES / client.requestBytes().length + 1;
        byte[] requests = context.requests(client, Collections.nCopies(atOnce, context.target().id()));
        int enough = Math.clamp(FLOOD_BYTES / context.answer().bytes(), FEWEST, MOST);
        int whole = 0;
        while (whole < enough && client.sendWhileRoom(requests))
            whole += atOnce;
        if (whole == 0)
            throw new UntestedCase("the daemon does not read " + atOnce + " requests that are sent at once");
        return whole;
    }

    private static String flood(CaseContext context) throws IOException, CaseClient.Failed, UntestedCase {
        try (CaseClient client = context.connect()) {
            int whole = floodOf(context, client);
            context.awaitAnswers(client, whole);
            return whole + " requests";
        }
    }

    private static String slowReader(CaseContext context) throws IOException, CaseClient.Failed, UntestedCase {
        try (CaseClient slow = context.connect(); CaseClient other = context.connect()) {
            int whole = floodOf(context, slow);
            slow.settle();
            other.request();
            context.awaitAnswer(other);
            return whole + " requests unread";
        }
    }
}
