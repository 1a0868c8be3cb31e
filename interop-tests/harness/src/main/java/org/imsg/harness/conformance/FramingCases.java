package org.imsg.harness.conformance;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.ToIntFunction;
import org.imsg.WireFormat;

/** Messages whole, cut, joined, and of lengths that cannot be. */
final class FramingCases {
    private static final String GROUP = "framing";
    private static final String CLOSES = "ERANGE: the daemon closes the connection";
    private static final int HEADER = 16;

    private FramingCases() {}

    static List<Case> all() {
        List<Case> cases = new ArrayList<>(List.of(
                new Case(GROUP, "answers-of-one-kind",
                        "the header of an answer is the request's, or the daemon's own", context -> {
                            List<String> faults = context.answer().faults(context.target().answer());
                            if (!faults.isEmpty())
                                throw new CaseClient.Failed(String.join("; ", faults));
                            return "";
                        }),
                new Case(GROUP, "request-in-one-write", "imsg_get returns the message; the daemon answers",
                        context -> cut(context, Integer.MAX_VALUE)),
                new Case(GROUP, "byte-by-byte", "imsg_get returns 0 until the message is whole, then the message",
                        context -> cut(context, 1)),
                new Case(GROUP, "cut-in-header", "imsg_get returns 0 as long as fewer than 16 bytes are there",
                        context -> cut(context, 7)),
                new Case(GROUP, "cut-behind-header", "imsg_get returns 0 as long as the payload is not whole",
                        FramingCases::cutBehindHeader),
                new Case(GROUP, "others-while-a-header-is-cut",
                        "each has an imsgbuf of its own, which waits for its rest",
                        context -> others(context, HEADER / 2)),
                new Case(GROUP, "others-while-a-payload-is-cut",
                        "each has an imsgbuf of its own, which waits for its rest",
                        context -> others(context, HEADER + 4)),
                new Case(GROUP, "two-in-one-write", "imsg_get returns both, one after the other",
                        context -> joined(context, 2)),
                new Case(GROUP, "twenty-in-one-write", "imsg_get returns all of them", context -> joined(context, 20)),
                new Case(GROUP, "unknown-type", "the framing knows no types: most daemons ignore it", context -> {
                    if (!context.unknownFault().isEmpty())
                        throw new CaseClient.Failed(context.unknownFault());
                    return context.unknownTypeCloses() ? "the connection is closed" : "the connection stays open";
                }),
                new Case(GROUP, "unknown-type-with-payload", "its payload is skipped, whatever it looks like",
                        FramingCases::unknownPayload),
                new Case(GROUP, "known-type-with-other-payloads",
                        "imsg_get_data fails with EBADMSG: the daemon says no, or closes the connection",
                        FramingCases::otherPayloads)));
        for (boolean known : new boolean[]{false, true}) {
            String type = known ? "known-type-" : "";
            cases.add(new Case(GROUP, type + "length-15", CLOSES, context -> refused(context, known, HEADER - 1)));
            cases.add(new Case(GROUP, type + "length-0", CLOSES, context -> refused(context, known, 0)));
            cases.add(overLimit(type + "length-over-limit", known, context -> context.target().limit() + 1));
            cases.add(overLimit(type + "length-all-ones", known,
                    context -> context.target().format() == WireFormat.CLASSIC ? 0xFFFF : 0x7FFF_FFFF));
        }
        cases.add(new Case(GROUP, "length-at-limit", "the message is taken", FramingCases::atLimit));
        cases.add(new Case(GROUP, "longest-answer", "the whole payload comes back",
                context -> context.answer().isEcho(), FramingCases::longestAnswer));
        return cases;
    }

    private static Case overLimit(String name, boolean known, ToIntFunction<CaseContext> length) {
        return new Case(GROUP, name, "ERANGE as soon as the header is there: the daemon closes the connection",
                context -> context.target().format() == WireFormat.MODERN || context.target().limit() < 0xFFFF,
                context -> refused(context, known, length.applyAsInt(context)));
    }

    private static void sendCut(CaseClient client, byte[] bytes, int size) throws IOException {
        for (int at = 0; at < bytes.length; at += Math.min(size, bytes.length)) {
            client.send(Arrays.copyOfRange(bytes, at, (int) Math.min(bytes.length, (long) at + size)));
            client.settle();
        }
    }

    private static String cut(CaseContext context, int size) throws IOException, CaseClient.Failed {
        try (CaseClient client = context.connect()) {
            sendCut(client, client.requestBytes(), size);
            context.awaitAnswer(client);
            client.mustBeSilent(context.answer());
            return context.answer().size() + " messages";
        }
    }

    /** Of a request without a payload a message of another type tells, if it is cut and the request behind it answered. */
    private static String cutBehindHeader(CaseContext context) throws IOException, CaseClient.Failed, UntestedCase {
        boolean own = context.target().payload().length > 0;
        if (!own)
            context.needsUnknownType();
        try (CaseClient client = context.connect()) {
            byte[] message = own ? client.requestBytes() : context.target().unknown(client.pid, new byte[100], false);
            client.send(Arrays.copyOf(message, HEADER));
            client.settle();
            sendCut(client, Arrays.copyOfRange(message, HEADER, message.length), message.length / 2);
            if (!own)
                client.request();
            context.awaitAnswer(client);
            client.mustBeSilent(context.answer());
            return "";
        }
    }

    private static String others(CaseContext context, int bytes) throws IOException, CaseClient.Failed {
        try (CaseClient cut = context.connect(); CaseClient other = context.connect()) {
            cut.send(Arrays.copyOf(context.target().unknown(cut.pid, new byte[100], false), bytes));
            cut.settle();
            other.request();
            context.awaitAnswer(other);
            return "";
        }
    }

    private static String joined(CaseContext context, int count) throws IOException, CaseClient.Failed {
        try (CaseClient client = context.connect()) {
            List<Integer> ids = context.ids(count);
            client.send(context.requests(client, ids));
            context.awaitAnswers(client, ids, context.target().payload());
            client.mustBeSilent(context.answer());
            return "";
        }
    }

    private static String unknownPayload(CaseContext context) throws IOException, CaseClient.Failed, UntestedCase {
        context.needsUnknownType();
        try (CaseClient client = context.connect()) {
            client.send(context.target().unknown(client.pid, client.requestBytes(), false));
            client.mustBeSilent(context.answer());
            client.request();
            context.awaitAnswer(client);
            return "";
        }
    }

    /** Each may be refused, and none may end the daemon. */
    private static String otherPayloads(CaseContext context) throws IOException, CaseClient.Failed, UntestedCase {
        byte[] right = context.target().payload();
        byte[] ones = new byte[Math.max(8, right.length)];
        Arrays.fill(ones, (byte) 0xFF);
        List<byte[]> payloads = List.of(new byte[0], new byte[1], Arrays.copyOf(right, right.length / 2),
                Arrays.copyOf(right, Math.max(0, right.length - 1)), new byte[ones.length], ones,
                Arrays.copyOf(right, 2 * right.length + 1));
        for (byte[] payload : payloads) {
            try (CaseClient client = context.connect()) {
                client.send(context.target().request(context.target().id(), client.pid, payload, false));
                client.settle();
                client.end();
                client.untilSilence();
            }
            try (CaseClient next = context.connect()) {
                next.request();
                context.awaitAnswer(next);
            } catch (IOException | CaseClient.Failed e) {
                throw new CaseClient.Failed(
                        "after a payload of " + payload.length + " bytes a new client is not served: "
                                + e.getMessage());
            }
        }
        if (right.length == 0)
            throw new UntestedCase("only longer payloads: the request has none to cut short, --hex gives it one");
        return payloads.size() + " payloads";
    }

    private static String refused(CaseContext context, boolean known, int length)
            throws IOException, CaseClient.Failed {
        try (CaseClient client = context.connect()) {
            client.send(context.target().header(known, client.pid, length));
            client.awaitEnd();
            return "";
        }
    }

    private static String atLimit(CaseContext context) throws IOException, CaseClient.Failed, UntestedCase {
        context.needsUnknownType();
        try (CaseClient client = context.connect()) {
            int limit = context.target().limit();
            client.send(context.target().unknown(client.pid, new byte[limit - HEADER], false));
            client.settle();
            client.request();
            context.awaitAnswer(client);
            return limit + " bytes";
        }
    }

    private static String longestAnswer(CaseContext context) throws IOException, CaseClient.Failed {
        try (CaseClient client = context.connect()) {
            byte[] payload = new byte[context.target().limit() - HEADER];
            for (int i = 0; i < payload.length; i++)
                payload[i] = (byte) i;
            client.send(context.target().request(context.target().id(), client.pid, payload, false));
            context.awaitAnswers(client, List.of(context.target().id()), payload);
            return payload.length + " bytes";
        }
    }
}
