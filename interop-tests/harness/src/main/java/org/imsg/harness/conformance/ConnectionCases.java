package org.imsg.harness.conformance;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.LongSummaryStatistics;
import java.util.OptionalLong;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/** Ends, halves of ends, crowds and floods. */
final class ConnectionCases {
    private static final String ENDS = "ends";
    private static final String LOAD = "load";
    private static final int IN_TURN = 60;
    private static final int FEW = 12;
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
    private static final int DESCRIPTORS = 10;
    private static final int PAUSES = 4;
    private static final long REST_NANOS = 250_000_000;
    private static final int BUSY_PART = 5;
    private static final int FEW_OPEN = 1024;
    private static final int MANY_OPEN = 200;
    /** A daemon may pause for a second, or some, when it has no descriptor. */
    private static final long RECOVERY_NANOS = 5_000_000_000L;

    private ConnectionCases() {}

    static List<Case> all() {
        return List.of(
                new Case(ENDS, "half-close-after-request",
                        "imsgbuf_read returns 0: most daemons close at once, some answer before", context -> {
                            try (CaseClient client = context.connect()) {
                                client.request();
                                client.end();
                                return client.awaitEndOfAnswers().isEmpty() ? "not answered" : "answered before";
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
                new Case(ENDS, "no-process-is-left", "waitpid, if it starts processes at all",
                        ConnectionCases::isAnotherProcess, ConnectionCases::processesLeft),
                new Case(LOAD, "others-while-one-is-silent", "the event loop waits for all of them",
                        ConnectionCases::silence),
                new Case(LOAD, "rest-while-nothing-comes", "the event loop sleeps, and closes no connection",
                        ConnectionCases::rest),
                new Case(LOAD, "more-connections-than-descriptors",
                        "accept fails with EMFILE: the daemon waits until a client leaves", ConnectionCases::excess),
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
            client.send(context.requests(client, context.ids(context.atOnce(20))));
            client.settle();
            if (context.target().connections() > 1)
                context.mustServe("requests of another");
        }
        context.mustServe("a client that leaves with answers unread");
        int turns = context.manner().isSlow() ? 1 : IN_TURN;
        for (int i = 0; i < turns; i++)
            try (CaseClient client = context.connect()) {
                client.send(context.requests(client, context.ids(context.bearable(20))));
            }
        return turns + " connections";
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

    private static void passDescriptors(CaseContext context, CaseClient client) throws IOException {
        byte[] message = context.target().request(context.target().id(), client.pid, context.target().payload(), true);
        try (Witness witness = new Witness()) {
            for (int i = 0; i < DESCRIPTORS; i++)
                client.send(message, witness.passed());
        }
    }

    /** Whether the daemon closes a descriptor; one that keeps them would soon have no more for its clients. */
    private static boolean closesDescriptors(CaseContext context) throws IOException {
        try (Witness witness = new Witness()) {
            try (CaseClient client = context.connect()) {
                client.send(
                        context.target().request(context.target().id(), client.pid, context.target().payload(), true),
                        witness.passed());
                client.settle();
            }
            witness.mustBeClosed(context.target().patience(), true);
            return true;
        } catch (CaseClient.Failed _) {
            return false;
        }
    }

    /**
     * Clients one after the other: some ask much, some do not read, some pass descriptors, some are refused, some say nothing, some
     * leave in the middle.
     */
    private static int visits(CaseContext context, int most, boolean closing) throws IOException, CaseClient.Failed {
        int count = context.manner().isSlow() ? FEW : most;
        for (int i = 0; i < count; i++)
            try (CaseClient client = context.connect()) {
                switch (i % 6) {
                    case 0 -> {
                        List<Integer> ids = context
                                .ids(Math.clamp(ONE_ANSWER / context.answer().bytes(), 1,
                                        context.atOnce(MOST_AT_ONCE)));
                        client.send(context.requests(client, ids));
                        context.awaitAnswers(client, ids, context.target().payload());
                    }
                    case 1 -> client.send(context.target().header(i % 12 == 1, client.pid, HEADER - 1, false));
                    case 2 -> client
                            .send(Arrays.copyOf(context.target().unknown(client.pid, new byte[100], false),
                                    HEADER + 10));
                    case 3 -> client.send(context.requests(client, context.ids(context.bearable(MOST_AT_ONCE))));
                    case 4 -> {
                        if (closing)
                            passDescriptors(context, client);
                    }
                    default -> {
                        // leaves without a word
                    }
                }
            }
        context.mustServe(count + " clients");
        return count;
    }

    /**
     * A daemon needs more at first, and in leaps; a leak grows as much with each crowd. A small one fills holes between what is in
     * use: less than some 300 bytes a client, or 30 a message, is not seen.
     */
    private static String memoryLeft(CaseContext context) throws IOException, CaseClient.Failed, UntestedCase {
        context.needsSpeed();
        boolean closing = closesDescriptors(context);
        visits(context, CROWD, closing);
        LongSummaryStatistics data = new LongSummaryStatistics();
        LongSummaryStatistics heap = new LongSummaryStatistics();
        for (int i = 0; i < CROWDS; i++) {
            long dataBefore = memory(context.daemon());
            long heapBefore = heap(context.daemon());
            visits(context, CROWD, closing);
            data.accept(memory(context.daemon()) - dataBefore);
            heap.accept(heap(context.daemon()) - heapBefore);
        }
        for (LongSummaryStatistics each : List.of(data, heap))
            if (each.getMin() > 0 && each.getMax() <= 3 * each.getMin())
                throw new CaseClient.Failed("process " + context.daemon() + " has " + each.getSum()
                        + " KiB more after " + CROWDS + " times " + CROWD + " clients, and as much more each time");
        return CROWDS * CROWD + " connections";
    }

    /** In KiB: what it may write to and shares with no file. */
    private static long memory(int pid) throws UntestedCase {
        return kibibytes(proc(pid).resolve("status"), "", "VmData:").orElseThrow(
                () -> new UntestedCase("the memory of process " + pid + " cannot be read"));
    }

    /** In KiB: what it has written to of what malloc(3) of C begins with; 0 where that is another's to know, or there is none. */
    private static long heap(int pid) {
        return kibibytes(proc(pid).resolve("smaps"), "[heap]", "Rss:").orElse(0);
    }

    /** The number of the first line that begins so, behind a line that ends so. */
    private static OptionalLong kibibytes(Path file, String behind, String name) {
        try (Stream<String> lines = Files.lines(file)) {
            return lines.dropWhile(line -> !line.endsWith(behind)).filter(line -> line.startsWith(name)).limit(1)
                    .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", ""))).findFirst();
        } catch (IOException | UncheckedIOException _) {
            return OptionalLong.empty();
        }
    }

    private static Path proc(int pid) {
        return Path.of("/proc", String.valueOf(pid));
    }

    /** As /proc tells, which is for root and for the daemon's own user. */
    private static String descriptorsLeft(CaseContext context) throws IOException, CaseClient.Failed, UntestedCase {
        context.mustServe("the last case");
        long before = open(context.daemon());
        int count = visits(context, CROWD, false);
        mustBeOpen(context, before, count + " clients");
        return count + " connections";
    }

    private static void mustBeOpen(CaseContext context, long before, String after)
            throws CaseClient.Failed, UntestedCase {
        int daemon = context.daemon();
        long deadline = System.nanoTime() + context.target().patience().toNanos();
        long left = open(daemon) - before;
        while (left > SLACK && System.nanoTime() < deadline) {
            LockSupport.parkNanos(PAUSE_NANOS);
            left = open(daemon) - before;
        }
        if (left > SLACK)
            throw new CaseClient.Failed(left + " descriptors more are open in process " + daemon + " after " + after
                    + " have left");
    }

    /** Processes that have ended, and that the daemon does not wait for. */
    private static String processesLeft(CaseContext context) throws IOException, CaseClient.Failed {
        long before = ended(context.daemon());
        int count = visits(context, IN_TURN, false);
        long deadline = System.nanoTime() + context.target().patience().toNanos();
        while (ended(context.daemon()) > before + SLACK && System.nanoTime() < deadline)
            LockSupport.parkNanos(PAUSE_NANOS);
        long left = ended(context.daemon()) - before;
        if (left > SLACK)
            throw new CaseClient.Failed(left + " more processes have ended, and process " + context.daemon()
                    + " has not waited for them, after " + count + " clients have left");
        return count + " connections";
    }

    private static long ended(int pid) {
        return ProcessHandle.of(pid).stream().flatMap(ProcessHandle::children).filter(child -> {
            try {
                return Files.readString(proc((int) child.pid()).resolve("stat")).contains(") Z ");
            } catch (IOException _) {
                return false; // it is gone
            }
        }).count();
    }

    /** More than the daemon has descriptors for, where that is not too much: it may refuse them, and must serve when they have left. */
    private static String excess(CaseContext context) throws IOException, CaseClient.Failed, UntestedCase {
        long before = isAnotherProcess(context) ? open(context.daemon()) : 0;
        long most = mostOpen(context);
        List<CaseClient> clients = new ArrayList<>();
        try {
            while (clients.size() < most)
                clients.add(context.connect());
        } catch (IOException _) {
            // it refuses more
        }
        try {
            awaitLast(context, clients);
        } finally {
            clients.forEach(CaseClient::close);
        }
        long deadline = System.nanoTime() + RECOVERY_NANOS;
        for (boolean served = false; !served;)
            try {
                context.mustServe(clients.size() + " at once");
                served = true;
            } catch (CaseClient.Failed e) {
                if (System.nanoTime() > deadline)
                    throw e;
                LockSupport.parkNanos(PAUSE_NANOS);
            }
        if (isAnotherProcess(context))
            mustBeOpen(context, before, clients.size() + " clients at once");
        return clients.size() + " connections";
    }

    /** Until the daemon has come to the last of them, or cannot. */
    private static void awaitLast(CaseContext context, List<CaseClient> clients)
            throws IOException, CaseClient.Failed {
        if (clients.isEmpty())
            return;
        clients.getLast().request();
        clients.getLast().untilSilence();
    }

    private static long mostOpen(CaseContext context) {
        try (Stream<String> limits = Files.lines(proc(context.daemon()).resolve("limits"))) {
            return limits.filter(line -> line.startsWith("Max open files"))
                    .map(line -> line.replaceFirst("\\D+(\\d+).*", "$1")).filter(number -> number.length() < 5)
                    .mapToLong(Long::parseLong).filter(limit -> limit <= FEW_OPEN).map(limit -> limit + 1).findFirst()
                    .orElse(MANY_OPEN);
        } catch (IOException | UncheckedIOException _) {
            return MANY_OPEN;
        }
    }

    private static String silence(CaseContext context) throws IOException, CaseClient.Failed, UntestedCase {
        context.needsOthers();
        try (CaseClient silent = context.connect(); CaseClient other = context.connect()) {
            other.request();
            context.awaitAnswer(other);
            silent.request();
            context.awaitAnswer(silent);
            return "";
        } catch (CaseClient.Failed e) {
            throw new CaseClient.Failed(
                    e.getMessage() + "; if it is to serve one client at a time, say so (--connections 1)");
        }
    }

    /** While all clients are silent for a second, be it between messages or inside one. */
    private static String rest(CaseContext context) throws IOException, CaseClient.Failed, UntestedCase {
        context.needsOthers();
        try (CaseClient silent = context.connect(); CaseClient cut = context.connect()) {
            byte[] request = cut.requestBytes();
            cut.send(Arrays.copyOf(request, HEADER / 2));
            for (int i = 0; i < PAUSES; i++)
                mustRest(context);
            cut.send(Arrays.copyOfRange(request, HEADER / 2, request.length));
            silent.request();
            context.awaitAnswer(cut);
            context.awaitAnswer(silent);
            return "";
        }
    }

    /** Its threads must neither run nor wait for a processor in one of several pauses at least. */
    private static void mustRest(CaseContext context) throws CaseClient.Failed {
        for (int i = 0; i < 2 * PAUSES; i++) {
            long start = System.nanoTime();
            long before = busy(context.daemon());
            LockSupport.parkNanos(REST_NANOS);
            if (!isAnotherProcess(context)
                    || busy(context.daemon()) - before < (System.nanoTime() - start) / BUSY_PART)
                return;
        }
        throw new CaseClient.Failed("process " + context.daemon() + " runs all the time, and there is nothing to do");
    }

    /** In nanoseconds; 0 where the kernel does not tell. */
    private static long busy(int pid) {
        try (Stream<Path> threads = Files.list(proc(pid).resolve("task"))) {
            return threads.mapToLong(thread -> {
                try {
                    String[] times = Files.readString(thread.resolve("schedstat")).split(" ");
                    return Long.parseLong(times[0]) + Long.parseLong(times[1]);
                } catch (IOException _) {
                    return 0; // it has ended
                }
            }).sum();
        } catch (IOException | UncheckedIOException _) {
            return 0;
        }
    }

    private static long open(int pid) throws UntestedCase {
        try (Stream<Path> open = Files.list(proc(pid).resolve("fd"))) {
            return open.count();
        } catch (IOException e) {
            throw new UntestedCase("the descriptors of process " + pid + " cannot be counted: " + e.getMessage());
        }
    }

    private static String crowd(CaseContext context) throws IOException, CaseClient.Failed, UntestedCase {
        context.needsOthers();
        int size = Math.min(context.target().connections(), Target.USUAL_CONNECTIONS);
        List<CaseClient> clients = new ArrayList<>();
        List<Integer> ids = context.ids(size);
        try {
            for (int i = 0; i < size; i++)
                clients.add(context.connect());
            for (int round = 0; round < (context.manner().ends() ? 1 : 2); round++) {
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
        context.needsManyAnswers();
        try (CaseClient client = context.connect()) {
            int whole = floodOf(context, client);
            List<Integer> ids = context.ids(floodAtOnce(client));
            context.awaitAnswers(client, IntStream.range(0, whole).mapToObj(i -> ids.get(i % ids.size())).toList(),
                    context.target().payload());
            if (client.wasCutOff())
                throw new CaseClient.Failed("the connection is closed while requests are written");
            return whole + " requests";
        }
    }

    private static String slowReader(CaseContext context) throws IOException, CaseClient.Failed, UntestedCase {
        context.needsOthers();
        context.needsManyAnswers();
        try (CaseClient slow = context.connect(); CaseClient other = context.connect()) {
            int whole = floodOf(context, slow);
            slow.settle();
            other.request();
            context.awaitAnswer(other);
            mustRest(context);
            return whole + " requests unread";
        }
    }
}
