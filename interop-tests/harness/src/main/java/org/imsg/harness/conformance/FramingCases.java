package org.imsg.harness.conformance;

import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import org.imsg.WireFormat;

/** Messages whole, cut, joined, and of lengths that cannot be. */
final class FramingCases {
    private static final String GROUP = "framing";
    private static final int HEADER = 16;

    private FramingCases() {}

    static List<Case> all() {
        return List.of(
                new Case(GROUP, "request-in-one-write", "imsg_get returns the message; the daemon answers", context -> {
                    try (CaseClient client = context.connect()) {
                        client.request();
                        client.awaitAnswers(1);
                        return context.answer().types().size() + " messages";
                    }
                }),
                new Case(GROUP, "byte-by-byte", "imsg_get returns 0 until the message is whole, then the message",
                        context -> cut(context, 1)),
                new Case(GROUP, "cut-in-header", "imsg_get returns 0 as long as fewer than 16 bytes are there",
                        context -> cut(context, 7)),
                new Case(GROUP, "cut-behind-header", "imsg_get returns 0 as long as the payload is not whole",
                        FramingCases::cutBehindHeader),
                new Case(GROUP, "two-in-one-write", "imsg_get returns both, one after the other",
                        context -> joined(context, 2)),
                new Case(GROUP, "twenty-in-one-write", "imsg_get returns all of them", context -> joined(context, 20)),
                new Case(GROUP, "unknown-type", "the framing knows no types: most daemons ignore it", context -> context
                        .unknownTypeCloses() ? "the connection is closed" : "the connection stays open"),
                new Case(GROUP, "length-15", "ERANGE: the daemon closes the connection",
                        context -> refused(context, HEADER - 1)),
                new Case(GROUP, "length-0", "ERANGE: the daemon closes the connection", context -> refused(context, 0)),
                new Case(GROUP, "length-at-limit", "the message is taken", FramingCases::atLimit),
                new Case(GROUP, "length-over-limit",
                        "ERANGE as soon as the header is there: the daemon closes the connection",
                        context -> refused(context, overLimit(context, context.target().limit() + 1))),
                new Case(GROUP, "length-all-ones", "ERANGE: the daemon closes the connection", context -> refused(
                        context,
                        overLimit(context, context.target().format() == WireFormat.CLASSIC ? 0xFFFF : 0x7FFF_FFFF))));
    }

    private static String cut(CaseContext context, int size) throws IOException, CaseClient.Failed {
        try (CaseClient client = context.connect()) {
            byte[] request = client.requestBytes();
            for (int at = 0; at < request.length; at += size) {
                client.send(Arrays.copyOfRange(request, at, Math.min(request.length, at + size)));
                client.settle();
            }
            client.awaitAnswers(1);
            return "";
        }
    }

    private static String cutBehindHeader(CaseContext context) throws IOException, CaseClient.Failed, SkippedCase {
        if (context.target().payload().length == 0)
            throw new SkippedCase("the request has no payload");
        try (CaseClient client = context.connect()) {
            byte[] request = client.requestBytes();
            client.send(Arrays.copyOf(request, HEADER));
            client.settle();
            client.send(Arrays.copyOfRange(request, HEADER, request.length));
            client.awaitAnswers(1);
            return "";
        }
    }

    private static String joined(CaseContext context, int count) throws IOException, CaseClient.Failed {
        try (CaseClient client = context.connect()) {
            byte[] request = client.requestBytes();
            byte[] all = new byte[count * request.length];
            for (int i = 0; i < count; i++)
                System.arraycopy(request, 0, all, i * request.length, request.length);
            client.send(all);
            client.awaitAnswers(count);
            return "";
        }
    }

    private static int overLimit(CaseContext context, int length) throws SkippedCase {
        if (length <= context.target().limit()
                || context.target().format() == WireFormat.CLASSIC && length > 0xFFFF)
            throw new SkippedCase("the format " + context.target().format() + " cannot say a length over the limit "
                    + context.target().limit());
        return length;
    }

    private static String refused(CaseContext context, int length) throws IOException, CaseClient.Failed {
        try (CaseClient client = context.connect()) {
            client.send(context.target().unknown(client.pid, length, false));
            client.awaitEnd();
            return "";
        }
    }

    private static String atLimit(CaseContext context) throws IOException, CaseClient.Failed, SkippedCase {
        context.needsUnknownType();
        try (CaseClient client = context.connect()) {
            int limit = context.target().limit();
            client.send(Arrays.copyOf(context.target().unknown(client.pid, limit, false), limit));
            client.settle();
            client.request();
            client.awaitAnswers(1);
            return limit + " bytes";
        }
    }
}
