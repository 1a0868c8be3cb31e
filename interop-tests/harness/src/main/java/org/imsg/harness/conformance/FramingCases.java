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
                new Case(GROUP, "request-in-one-write", "imsg_get returns the message; the daemon answers", ground -> {
                    try (Client client = ground.connect()) {
                        client.request();
                        client.awaitAnswers(1);
                        return ground.answer().types().size() + " messages";
                    }
                }),
                new Case(GROUP, "byte-by-byte", "imsg_get returns 0 until the message is whole, then the message",
                        ground -> cut(ground, 1)),
                new Case(GROUP, "cut-in-header", "imsg_get returns 0 as long as fewer than 16 bytes are there",
                        ground -> cut(ground, 7)),
                new Case(GROUP, "cut-behind-header", "imsg_get returns 0 as long as the payload is not whole",
                        FramingCases::cutBehindHeader),
                new Case(GROUP, "two-in-one-write", "imsg_get returns both, one after the other",
                        ground -> joined(ground, 2)),
                new Case(GROUP, "twenty-in-one-write", "imsg_get returns all of them", ground -> joined(ground, 20)),
                new Case(GROUP, "unknown-type", "the framing knows no types: most daemons ignore it", ground -> ground
                        .unknownTypeCloses() ? "the connection is closed" : "the connection stays open"),
                new Case(GROUP, "length-15", "ERANGE: the daemon closes the connection",
                        ground -> refused(ground, HEADER - 1)),
                new Case(GROUP, "length-0", "ERANGE: the daemon closes the connection", ground -> refused(ground, 0)),
                new Case(GROUP, "length-at-limit", "the message is taken", FramingCases::atLimit),
                new Case(GROUP, "length-over-limit",
                        "ERANGE as soon as the header is there: the daemon closes the connection",
                        ground -> refused(ground, overLimit(ground, ground.target().limit() + 1))),
                new Case(GROUP, "length-all-ones", "ERANGE: the daemon closes the connection", ground -> refused(ground,
                        overLimit(ground, ground.target().format() == WireFormat.CLASSIC ? 0xFFFF : 0x7FFF_FFFF))));
    }

    private static String cut(Ground ground, int size) throws IOException, Client.Failed {
        try (Client client = ground.connect()) {
            byte[] request = client.requestBytes();
            for (int at = 0; at < request.length; at += size) {
                client.send(Arrays.copyOfRange(request, at, Math.min(request.length, at + size)));
                client.settle();
            }
            client.awaitAnswers(1);
            return "";
        }
    }

    private static String cutBehindHeader(Ground ground) throws IOException, Client.Failed, Case.Skipped {
        if (ground.target().payload().length == 0)
            throw new Case.Skipped("the request has no payload");
        try (Client client = ground.connect()) {
            byte[] request = client.requestBytes();
            client.send(Arrays.copyOf(request, HEADER));
            client.settle();
            client.send(Arrays.copyOfRange(request, HEADER, request.length));
            client.awaitAnswers(1);
            return "";
        }
    }

    private static String joined(Ground ground, int count) throws IOException, Client.Failed {
        try (Client client = ground.connect()) {
            byte[] request = client.requestBytes();
            byte[] all = new byte[count * request.length];
            for (int i = 0; i < count; i++)
                System.arraycopy(request, 0, all, i * request.length, request.length);
            client.send(all);
            client.awaitAnswers(count);
            return "";
        }
    }

    private static int overLimit(Ground ground, int length) throws Case.Skipped {
        if (length <= ground.target().limit()
                || ground.target().format() == WireFormat.CLASSIC && length > 0xFFFF)
            throw new Case.Skipped("the format " + ground.target().format() + " cannot say a length over the limit "
                    + ground.target().limit());
        return length;
    }

    private static String refused(Ground ground, int length) throws IOException, Client.Failed {
        try (Client client = ground.connect()) {
            client.send(ground.target().unknown(client.pid, length, false));
            client.awaitEnd();
            return "";
        }
    }

    private static String atLimit(Ground ground) throws IOException, Client.Failed, Case.Skipped {
        ground.needsUnknownType();
        try (Client client = ground.connect()) {
            int limit = ground.target().limit();
            client.send(Arrays.copyOf(ground.target().unknown(client.pid, limit, false), limit));
            client.settle();
            client.request();
            client.awaitAnswers(1);
            return limit + " bytes";
        }
    }
}
