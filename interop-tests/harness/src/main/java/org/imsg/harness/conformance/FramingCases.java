package org.imsg.harness.conformance;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeSet;
import java.util.function.ToIntFunction;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.imsg.WireFormat;
import org.imsg.harness.record.Event;

/** Messages whole, cut, joined, and of lengths that cannot be. */
final class FramingCases {
    private static final String GROUP = "framing";
    private static final String CLOSES = "ERANGE: the daemon closes the connection";
    private static final int HEADER = 16;
    private static final int MANY = 1 << 20;
    private static final int LONG = 4000;
    private static final int SECRET = 256;

    private FramingCases() {}

    static List<Case> all() {
        List<Case> cases = new ArrayList<>(List.of(
                new Case(GROUP, "answers-of-one-kind",
                        "the header of an answer is the request's, or the daemon's own", context -> {
                            List<String> faults = context.answer().faults(context.target().answer(), context.daemon());
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
                new Case(GROUP, "others-while-one-is-refused",
                        "ERANGE is an error of one imsgbuf: the daemon closes no other connection",
                        FramingCases::othersWhileOneIsRefused),
                new Case(GROUP, "two-in-one-write", "imsg_get returns both, one after the other",
                        context -> joined(context, 2)),
                new Case(GROUP, "twenty-in-one-write", "imsg_get returns all of them", context -> joined(context, 20)),
                new Case(GROUP, "unknown-type", "the framing knows no types: most daemons ignore it", context -> {
                    if (!context.unknownFault().isEmpty())
                        throw new CaseClient.Failed(context.unknownFault());
                    if (context.unknownTypeCloses())
                        mustCloseWithPayload(context);
                    return context.unknownTypeCloses() ? "the connection is closed" : "the connection stays open";
                }),
                new Case(GROUP, "unknown-type-with-payload", "its payload is skipped, whatever it looks like",
                        FramingCases::unknownPayload),
                new Case(GROUP, "type-with-higher-bits", "a type has 32 bits: this is another, that it does not know",
                        FramingCases::higherBits),
                new Case(GROUP, "types-at-the-edges", "the framing takes all numbers of 32 bits",
                        FramingCases::edgesOfTypes),
                new Case(GROUP, "cut-header-behind-a-request",
                        "imsg_get returns the first message, and 0 until the second is whole",
                        FramingCases::cutHeader),
                new Case(GROUP, "long-rest-behind-a-request",
                        "the part of a message moves to the front of the buffer, unchanged",
                        FramingCases::longRest),
                new Case(GROUP, "other-peerids-and-pids", "the framing takes all numbers of 32 bits",
                        FramingCases::otherNumbers),
                new Case(GROUP, "known-type-with-other-payloads",
                        "imsg_get_data fails with EBADMSG: the daemon says no, or closes the connection",
                        FramingCases::otherPayloads)));
        for (boolean known : new boolean[]{false, true}) {
            String type = known ? "known-type-" : "";
            cases.add(
                    new Case(GROUP, type + "length-15", CLOSES, context -> refused(context, known, HEADER - 1, false)));
            cases.add(new Case(GROUP, type + "length-0", CLOSES, context -> refused(context, known, 0, false)));
            cases.add(overLimit(type + "length-over-limit", known, context -> context.target().limit() + 1));
            cases.add(overLimit(type + "length-all-ones", known,
                    context -> context.target().format() == WireFormat.CLASSIC ? 0xFFFF : 0x7FFF_FFFF));
        }
        cases.add(new Case(GROUP, "length-16-with-upper-bits", CLOSES,
                context -> context.target().format() == WireFormat.MODERN, FramingCases::upperBits));
        cases.add(new Case(GROUP, "marked-lengths", CLOSES, FramingCases::markedLengths));
        cases.add(
                new Case(GROUP, "lengths-behind-a-request", "ERANGE, if not earlier: the daemon closes the connection",
                        FramingCases::refusedLater));
        cases.add(new Case(GROUP, "length-at-limit", "the message is taken", FramingCases::atLimit));
        cases.add(new Case(GROUP, "longest-answer", "the whole payload comes back",
                context -> context.answer().isEcho(), FramingCases::longestAnswer));
        cases.add(new Case(GROUP, "answers-of-many-lengths", "the whole payload comes back",
                context -> context.answer().isEcho(), FramingCases::manyLengths));
        return cases;
    }

    private static Case overLimit(String name, boolean known, ToIntFunction<CaseContext> length) {
        return new Case(GROUP, name, "ERANGE as soon as the header is there: the daemon closes the connection",
                context -> context.target().format() == WireFormat.MODERN || context.target().limit() < 0xFFFF,
                context -> refused(context, known, length.applyAsInt(context), false));
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

    private static String others(CaseContext context, int bytes) throws IOException, CaseClient.Failed, UntestedCase {
        context.needsOthers();
        try (CaseClient cut = context.connect(); CaseClient other = context.connect()) {
            boolean own = bytes < cut.requestBytes().length;
            byte[] message = own ? cut.requestBytes() : context.target().unknown(cut.pid, new byte[100], false);
            cut.send(Arrays.copyOf(message, bytes));
            cut.settle();
            other.request();
            context.awaitAnswer(other);
            if (own || !context.unknownTypeCloses()) {
                cut.send(Arrays.copyOfRange(message, bytes, message.length));
                cut.settle();
                if (!own)
                    cut.request();
                context.awaitAnswer(cut);
            }
            return "";
        }
    }

    private static String othersWhileOneIsRefused(CaseContext context)
            throws IOException, CaseClient.Failed, UntestedCase {
        context.needsOthers();
        context.needsMoreAnswers();
        try (CaseClient other = context.connect(); CaseClient refused = context.connect()) {
            other.request();
            context.awaitAnswer(other);
            refused.send(context.target().header(false, refused.pid, HEADER - 1, false));
            refused.untilSilence(context.manner().moment());
            other.request();
            context.awaitAnswer(other);
            return "";
        }
    }

    /** One that answers types it does not know, too, does not tell. */
    private static String higherBits(CaseContext context) throws IOException, CaseClient.Failed {
        for (int bit : new int[]{1 << 8, 1 << 16, 1 << 24, 1 << 31})
            try (CaseClient client = context.connect()) {
                int type = context.target().type() ^ bit;
                client.send(context.target().ofType(type, client.pid));
                if (client.untilSilence(context.manner().moment()).stream().anyMatch(context.answer()::hasType))
                    throw new CaseClient.Failed("type " + Integer.toUnsignedString(type) + " is answered as "
                            + Integer.toUnsignedString(context.target().type()));
            }
        return "";
    }

    /** A daemon may send its answers by them, or refuse them, but must not end of one. */
    private static String otherNumbers(CaseContext context) throws IOException, CaseClient.Failed {
        for (int number : CaseContext.EXTREMES)
            for (boolean id : new boolean[]{true, false}) {
                try (CaseClient client = context.connect()) {
                    client.send(context.target().request(id ? number : context.target().id(), id ? client.pid : number,
                            context.target().payload(), false));
                    if (id && context.answer().echoesIds())
                        context.awaitAnswers(client, List.of(number), context.target().payload());
                    client.settle();
                    client.end();
                    client.untilSilence();
                }
                context.mustServe("a " + (id ? "peerid" : "pid") + " of " + Integer.toUnsignedString(number));
            }
        return "";
    }

    private static String joined(CaseContext context, int count) throws IOException, CaseClient.Failed, UntestedCase {
        context.needsMoreAnswers();
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

    /** Each may be refused, none may end the daemon, nor be answered with what another client said. */
    private static String otherPayloads(CaseContext context) throws IOException, CaseClient.Failed, UntestedCase {
        byte[] secret = new byte[SECRET];
        new SplittableRandom().nextBytes(secret);
        saySecret(context, secret);
        List<byte[]> payloads = new ArrayList<>(payloadsBeside(context.target().payload()));
        byte[] unlike = new byte[23];
        new SplittableRandom().nextBytes(unlike);
        // A daemon that ends payloads at a NUL gives this one back whole.
        for (int i = 0; i < unlike.length; i++)
            unlike[i] |= 1;
        payloads.add(unlike);
        for (byte[] payload : payloads) {
            try (CaseClient client = context.connect()) {
                client.send(context.target().request(context.target().id(), client.pid, payload, false));
                client.settle();
                client.end();
                for (Event message : client.untilSilence()) {
                    if (hasPart(message.payload(), secret))
                        throw new CaseClient.Failed("a payload of " + payload.length
                                + " bytes is answered with what another client had said");
                    if (context.target().payload().length > 0 && !context.answer().givesBack()
                            && Arrays.equals(message.payload(), unlike))
                        throw new CaseClient.Failed(
                                "a payload of " + unlike.length
                                        + " bytes comes back whole, and the request's does not");
                }
            }
            context.mustServe("a payload of " + payload.length + " bytes");
        }
        if (context.target().payload().length == 0)
            throw new UntestedCase("only longer payloads: the request has none to cut short, --hex gives it one");
        return payloads.size() + " payloads";
    }

    /** In a message that the daemon knows, and in one that it does not. */
    private static void saySecret(CaseContext context, byte[] secret) throws IOException, CaseClient.Failed {
        for (boolean known : new boolean[]{false, true})
            try (CaseClient client = context.connect()) {
                client.send(known
                        ? context.target().request(context.target().id(), client.pid, secret, false)
                        : context.target().unknown(client.pid, secret, false));
                client.settle();
            }
    }

    /** Eight bytes of it are no chance. */
    private static boolean hasPart(byte[] bytes, byte[] secret) {
        return IntStream.rangeClosed(0, bytes.length - 8)
                .anyMatch(at -> IntStream.rangeClosed(0, secret.length - 8)
                        .anyMatch(from -> Arrays.equals(bytes, at, at + 8, secret, from, from + 8)));
    }

    /** What a daemon may not expect as the payload of a request. */
    static List<byte[]> payloadsBeside(byte[] right) {
        byte[] ones = new byte[Math.max(8, right.length)];
        Arrays.fill(ones, (byte) 0xFF);
        return List.of(new byte[0], new byte[1], Arrays.copyOf(right, right.length / 2),
                Arrays.copyOf(right, Math.max(0, right.length - 1)), new byte[ones.length], ones,
                Arrays.copyOf(right, 2 * right.length + 1));
    }

    /** A daemon that closes for any type that it does not know does so for one with a payload, too. */
    private static void mustCloseWithPayload(CaseContext context) throws IOException, CaseClient.Failed {
        try (CaseClient client = context.connect()) {
            client.send(context.target().unknown(client.pid, new byte[100], false));
            client.settle();
            client.request();
            if (client.answeredOrClosed(context.answer()))
                throw new CaseClient.Failed(
                        "the connection is closed if it has no payload, and stays open if it has one");
        }
    }

    /** 0 is IMSG_NONE to most, and the others are beyond any table; each may be refused, and none may end the daemon. */
    private static String edgesOfTypes(CaseContext context) throws IOException, CaseClient.Failed {
        for (int type : CaseContext.EXTREMES)
            if (type != context.target().type()) {
                try (CaseClient client = context.connect()) {
                    client.send(context.target().ofType(type, client.pid));
                    client.settle();
                    client.end();
                    client.untilSilence();
                }
                context.mustServe("type " + Integer.toUnsignedString(type));
            }
        return "";
    }

    private static String cutHeader(CaseContext context) throws IOException, CaseClient.Failed, UntestedCase {
        context.needsMoreAnswers();
        try (CaseClient client = context.connect()) {
            byte[] request = client.requestBytes();
            client.send(CaseContext.joined(request, Arrays.copyOf(request, HEADER / 2)));
            context.awaitAnswer(client);
            client.send(Arrays.copyOfRange(request, HEADER / 2, request.length));
            context.awaitAnswer(client);
            client.mustBeSilent(context.answer());
            return "";
        }
    }

    /** The part of the second message is longer than the first. */
    private static String longRest(CaseContext context) throws IOException, CaseClient.Failed, UntestedCase {
        context.needsMoreAnswers();
        boolean own = context.answer().isEcho();
        if (!own)
            context.needsUnknownType();
        int id = context.target().id();
        byte[] payload = counted(Math.min(context.target().limit(), LONG) - HEADER);
        try (CaseClient client = context.connect()) {
            byte[] message = own
                    ? context.target().request(id, client.pid, payload, false)
                    : context.target().unknown(client.pid, payload, false);
            int cut = message.length * 3 / 4;
            client.send(CaseContext.joined(client.requestBytes(), Arrays.copyOf(message, cut)));
            context.awaitAnswer(client);
            client.send(Arrays.copyOfRange(message, cut, message.length));
            if (own)
                context.awaitAnswers(client, List.of(id), payload);
            client.request();
            context.awaitAnswer(client);
            return "";
        }
    }

    /** Not the lowest of them: a daemon that reads both formats takes that for the classic mark. */
    private static String upperBits(CaseContext context) throws IOException, CaseClient.Failed {
        for (int bit : new int[]{1 << 17, 1 << 20, 1 << 24, 1 << 30})
            if (bit > context.target().limit())
                for (boolean known : new boolean[]{false, true})
                    refused(context, known, bit + HEADER, false);
        return "";
    }

    /** The lengths that are refused, one below 16 and one over the limit if the format has room for that. */
    private static List<Integer> wrongLengths(CaseContext context) {
        return context.target().format() == WireFormat.MODERN || context.target().limit() < 0xFFFF
                ? List.of(HEADER - 1, context.target().limit() + 1)
                : List.of(HEADER - 1);
    }

    private static String markedLengths(CaseContext context) throws IOException, CaseClient.Failed {
        for (int length : wrongLengths(context))
            for (boolean known : new boolean[]{false, true})
                refused(context, known, length, true);
        return "";
    }

    /** In the same write as a request, and when that was answered. */
    private static String refusedLater(CaseContext context) throws IOException, CaseClient.Failed, UntestedCase {
        context.needsMoreAnswers();
        for (int length : wrongLengths(context))
            for (boolean answered : new boolean[]{false, true})
                try (CaseClient client = context.connect()) {
                    byte[] header = context.target().header(true, client.pid, length, false);
                    if (answered) {
                        client.request();
                        context.awaitAnswer(client);
                        client.send(header);
                    } else {
                        client.send(CaseContext.joined(client.requestBytes(), header));
                    }
                    client.awaitEnd();
                }
        return "";
    }

    /** Behind a length that is too short stands a request, which must not be answered; an error may be told. */
    private static String refused(CaseContext context, boolean known, int length, boolean marked)
            throws IOException, CaseClient.Failed {
        try (CaseClient client = context.connect()) {
            byte[] header = context.target().header(known, client.pid, length, marked);
            client.send(length < HEADER ? CaseContext.joined(header, client.requestBytes()) : header);
            KnownAnswer answer = context.answer();
            if (client.awaitEnd().stream().anyMatch(message -> answer.isSingle() && answer.echoesIds() && answer
                    .fault(message, context.target().id(), client.pid, context.target().payload()).isEmpty()))
                throw new CaseClient.Failed("a request behind it is answered before the connection is closed");
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
            byte[] payload = counted(context.target().limit() - HEADER);
            client.send(context.target().request(context.target().id(), client.pid, payload, false));
            context.awaitAnswers(client, List.of(context.target().id()), payload);
            return payload.length + " bytes";
        }
    }

    private static byte[] counted(int length) {
        byte[] payload = new byte[length];
        for (int i = 0; i < length; i++)
            payload[i] = (byte) i;
        return payload;
    }

    /** Buffers are mostly as long as a power of two, with the header or without. */
    private static String manyLengths(CaseContext context) throws IOException, CaseClient.Failed, UntestedCase {
        context.needsMoreAnswers();
        int most = Math.min(context.target().limit() - HEADER, MANY);
        Set<Integer> lengths = IntStream.rangeClosed(0, 20).map(power -> 1 << power)
                .flatMap(power -> IntStream.of(power, power - HEADER))
                .flatMap(near -> IntStream.of(near - 1, near, near + 1))
                .filter(length -> length >= 0 && length <= most).boxed().collect(Collectors.toCollection(TreeSet::new));
        try (CaseClient client = context.connect()) {
            for (int length : lengths) {
                byte[] payload = counted(length);
                client.send(context.target().request(context.target().id(), client.pid, payload, false));
                context.awaitAnswers(client, List.of(context.target().id()), payload);
            }
            return lengths.size() + " lengths";
        }
    }
}
