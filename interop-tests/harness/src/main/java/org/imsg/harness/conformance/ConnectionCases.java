package org.imsg.harness.conformance;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.LongSummaryStatistics;
import java.util.NoSuchElementException;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
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
    private static final int ONE_ANSWER = 1 << 14;
    private static final int MOST_AT_ONCE = 50;
    private static final int CROWD = 400;
    private static final int CROWDS = 4;
    private static final long PAUSE_NANOS = 2_000_000;

    private ConnectionCases() {}

    static List<Case> all() {
        return List.of(
                new Case(ENDS, "half-close-after-request",
                        "imsgbuf_read returns 0: most daemons close at once, some answer before", context -> {
                            try (CaseClient client = context.connect()) {
                                client.request();
                                client.end();
                                return client.awaitEnd().isEmpty() ? "not answered" : "answered before";
                            }
                        }),
                new Case(ENDS, "end-in-header", "imsgbuf_read returns 0: the daemon closes, the rest is lost",
                        context -> endAfter(context, HEADER / 2)),
                new Case(ENDS, "end-in-payload", "imsgbuf_read returns 0: the daemon closes, the rest is lost",
                        context -> endAfter(context, HEADER + 10)),
                new Case(ENDS, "end-in-request", "imsgbuf_read returns 0: the daemon closes, the rest is lost",
                        ConnectionCases::endInRequest),
                new Case(ENDS, "leaving-without-a-word", "imsgbuf_read returns 0: the daemon closes and goes on",
                        context -> {
                            context.connect().close();
                            context.mustServe("a client that leaves without a word");
                            return "";
                        }),
                new Case(ENDS, "leaving-without-reading",
                        "imsgbuf_read fails with ECONNRESET, imsgbuf_write with that or EPIPE: the daemon closes and goes on",
                        ConnectionCases::leave),
                new Case(ENDS, "nothing-is-left-open", "imsgbuf_clear, and the socket is closed",
                        ConnectionCases::isAnotherProcess, ConnectionCases::descriptorsLeft),
                new Case(ENDS, "nothing-is-left-in-memory",
                        "imsgbuf_clear and imsg_free, and the client's own is freed",
                        ConnectionCases::isAnotherProcess, ConnectionCases::memoryLeft),
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

    /** Before the answers are there, and when they are. */
    private static String leave(CaseContext context) throws IOException, CaseClient.Failed {
        try (CaseClient client = context.connect()) {
            client.send(context.requests(client, context.ids(20)));
            client.settle();
            context.mustServe("requests of another");
        }
        context.mustServe("a client that leaves with answers unread");
        for (int i = 0; i < IN_TURN; i++)
            try (CaseClient client = context.connect()) {
                client.send(context.requests(client, context.ids(20)));
            }
        return IN_TURN + " connections";
    }

    private static String endInRequest(CaseContext context) throws IOException, CaseClient.Failed {
        try (CaseClient client = context.connect()) {
            byte[] request = client.requestBytes();
            client.send(Arrays.copyOf(request, request.length - 1));
            client.settle();
            client.end();
            if (client.awaitEnd().stream().anyMatch(context.answer()::hasType))
                throw new CaseClient.Failed("a request without its last byte is answered");
            return "";
        }
    }

    /** Whose descriptors and memory are its own; this process may be the daemon, too. */
    private static boolean isAnotherProcess(CaseContext context) {
        return context.daemon() != ProcessHandle.current().pid() && Files.isReadable(Path.of("/proc/self/fd"));
    }

    /** Clients one after the other: some ask much, some are refused, some say nothing, some leave in the middle. */
    private static void visits(CaseContext context, int count) throws IOException, CaseClient.Failed {
        for (int i = 0; i < count; i++)
            try (CaseClient client = context.connect()) {
                switch (i % 4) {
                    case 0 -> {
                        List<Integer> ids = context
                                .ids(Math.clamp(ONE_ANSWER / context.answer().bytes(), 1, MOST_AT_ONCE));
                        client.send(context.requests(client, ids));
                        context.awaitAnswers(client, ids, context.target().payload());
                    }
                    case 1 -> client.send(context.target().header(i % 8 == 1, client.pid, HEADER - 1));
                    case 2 -> client
                            .send(Arrays.copyOf(context.target().unknown(client.pid, new byte[100], false),
                                    HEADER + 10));
                    default -> {
                        // leaves without a word
                    }
                }
            }
        context.mustServe(count + " clients");
    }

    /**
     * A daemon needs more at first, and in leaps; a leak grows as much with each crowd. Less than about a kilobyte a client, or 30 bytes
     * a message, is not seen.
     */
    private static String memoryLeft(CaseContext context) throws IOException, CaseClient.Failed, UntestedCase {
        visits(context, CROWD);
        long[] grown = new long[CROWDS];
        for (int i = 0; i < CROWDS; i++) {
            long before = memory(context.daemon());
            visits(context, CROWD);
            grown[i] = memory(context.daemon()) - before;
        }
        LongSummaryStatistics each = LongStream.of(grown).summaryStatistics();
        if (each.getMin() > 0 && each.getMax() <= 3 * each.getMin())
            throw new CaseClient.Failed("process " + context.daemon() + " has " + each.getSum() + " KiB more after "
                    + CROWDS + " times " + CROWD + " clients, and as much more each time");
        return CROWDS * CROWD + " connections";
    }

    /** In KiB: what it may write to and shares with no file. */
    private static long memory(int pid) throws UntestedCase {
        try (Stream<String> status = Files.lines(Path.of("/proc", String.valueOf(pid), "status"))) {
            return status.filter(line -> line.startsWith("VmData:")).findFirst()
                    .map(line -> Long.parseLong(line.replaceAll("\\D", ""))).orElseThrow();
        } catch (IOException | UncheckedIOException | NoSuchElementException e) {
            throw new UntestedCase("the memory of process " + pid + " cannot be read: " + e.getMessage());
        }
    }

    /** As /proc tells, which is for root and for the daemon's own user. */
    private static String descriptorsLeft(CaseContext context) throws IOException, CaseClient.Failed, UntestedCase {
        int daemon = context.daemon();
        context.mustServe("the last case");
        long before = open(daemon);
        visits(context, IN_TURN);
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
        int atOnce = floodAtOnce(client);
        byte[] requests = context.requests(client, context.ids(atOnce));
        int enough = Math.clamp(FLOOD_BYTES / context.answer().bytes(), FEWEST, MOST);
        int whole = 0;
        while (whole < enough && client.sendWhileRoom(requests))
            whole += atOnce;
        if (whole == 0)
            throw new UntestedCase("the daemon does not read " + atOnce + " requests that are sent at once");
        return whole;
    }

    private static int floodAtOnce(CaseClient client) {
        return WRITE_BYTES / client.requestBytes().length + 1;
    }

    private static String flood(CaseContext context) throws IOException, CaseClient.Failed, UntestedCase {
        try (CaseClient client = context.connect()) {
            int whole = floodOf(context, client);
            List<Integer> ids = context.ids(floodAtOnce(client));
            context.awaitAnswers(client, IntStream.range(0, whole).mapToObj(i -> ids.get(i % ids.size())).toList(),
                    context.target().payload());
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
