package org.imsg.harness.conformance;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.imsg.WireFormat;
import org.imsg.harness.record.Event;

/** Descriptors that the daemon did not ask for: it must go on, and must not keep them. */
final class DescriptorCases {
    private static final String GROUP = "descriptors";
    private static final int HEADER = 16;
    private static final int FLAGS_AT = 6;
    private static final int FLOOD = 64;

    private DescriptorCases() {}

    static List<Case> all() {
        return List.of(
                new Case(GROUP, "mark-without-descriptor", "the message is delivered, imsg_get_fd returns -1",
                        DescriptorCases::markOnly),
                new Case(GROUP, "known-type-mark-without-descriptor",
                        "the message is delivered, imsg_get_fd returns -1: the daemon may close the connection",
                        DescriptorCases::knownMarkOnly),
                new Case(GROUP, "known-type-mark-in-a-cut-message",
                        "the mark is no part of the length: imsg_get returns 0 until the message is whole", context -> {
                            try (CaseClient client = context.connect()) {
                                client.send(context.target().markedHeader(client.pid));
                                client.settle();
                                client.mustBeOpen("the connection is closed before the message is whole");
                                return "";
                            }
                        }),
                new Case(GROUP, "descriptor-not-asked-for",
                        "the message is delivered; imsg_free closes the descriptor that was not taken",
                        context -> passed(context, true, 1)),
                new Case(GROUP, "known-type-descriptor",
                        "the message is delivered; a descriptor is closed with it, or with the connection",
                        context -> known(context, true, 1)),
                new Case(GROUP, "descriptor-without-mark",
                        "imsgbuf_read keeps it for the next marked message, or closes it",
                        context -> passed(context, false, 1)),
                new Case(GROUP, "known-type-descriptor-without-mark",
                        "imsgbuf_read keeps it for the next marked message, or closes it",
                        context -> known(context, false, 1)),
                new Case(GROUP, "two-descriptors-with-one-message",
                        "the control buffer has room for one: the kernel drops the other",
                        context -> passed(context, true, 2)),
                new Case(GROUP, "known-type-two-descriptors",
                        "the control buffer has room for one: the kernel drops the other",
                        context -> known(context, true, 2)),
                new Case(GROUP, "descriptor-with-a-length-that-is-refused", "imsgbuf_clear closes it",
                        DescriptorCases::ofRefusedLength),
                new Case(GROUP, "descriptor-with-other-payloads", "imsg_free closes it, whatever the payload is",
                        DescriptorCases::withOtherPayloads),
                new Case(GROUP, "descriptor-with-the-last-byte",
                        "the descriptor is there when the message is whole, and is delivered with it",
                        DescriptorCases::late),
                new Case(GROUP, "descriptor-flood",
                        "each is delivered with its message, and closed if it was not taken",
                        DescriptorCases::flood),
                new Case(GROUP, "descriptor-closed-once", "its number may be another client's by then",
                        DescriptorCases::closedOnce),
                new Case(GROUP, "no-descriptor-is-none", "imsg_get_fd returns -1, which is no descriptor to close",
                        DescriptorCases::closesNothing),
                new Case(GROUP, "a-descriptor-with-each-part", "each is delivered with a message, or closed",
                        DescriptorCases::withEachPart),
                new Case(GROUP, "another-client's-descriptor", "each has an imsgbuf of its own",
                        CaseContext::descriptorShows, DescriptorCases::ofAnother),
                new Case(GROUP, "each-of-many-has-its-descriptor", "each is delivered with its message",
                        CaseContext::descriptorShows, DescriptorCases::eachOfMany),
                new Case(GROUP, "other-flags-are-no-mark", "IMSGF_HASFD is one bit; the others mean nothing",
                        context -> context.target().format() == WireFormat.CLASSIC && context.descriptorShows(),
                        DescriptorCases::otherFlags),
                new Case(GROUP, "descriptor-with-its-own-message",
                        "the first marked message of a read has it, and no other",
                        CaseContext::descriptorShows, DescriptorCases::ownMessage),
                new Case(GROUP, "descriptor-with-a-cut-message", "it is there when the message is whole",
                        CaseContext::descriptorShows, DescriptorCases::ofCutMessage),
                new Case(GROUP, "descriptor-and-then-no-more", "a received descriptor is closed with the connection",
                        DescriptorCases::cutAfterDescriptor));
    }

    private static String markOnly(CaseContext context) throws IOException, CaseClient.Failed, UntestedCase {
        context.needsUnknownType();
        try (CaseClient client = context.connect()) {
            client.send(context.target().unknown(client.pid, new byte[0], true));
            client.settle();
            client.request();
            context.awaitAnswer(client);
            return "";
        }
    }

    private static byte[] marked(CaseContext context, CaseClient client, boolean mark) {
        return context.target().request(context.target().id(), client.pid, context.target().payload(), mark);
    }

    /** Some answer, or the end: a daemon may need the descriptor. */
    private static String answer(CaseClient client) throws IOException, CaseClient.Failed {
        return answer(client.untilSilence());
    }

    private static String answer(List<Event> answer) throws CaseClient.Failed {
        if (answer.stream().anyMatch(message -> message.marked() && message.descriptors().isEmpty()))
            throw new CaseClient.Failed("an answer is marked, and no descriptor comes with it");
        return answer.isEmpty() ? "no answer" : answer.size() + " messages";
    }

    private static String knownMarkOnly(CaseContext context) throws IOException, CaseClient.Failed {
        try (CaseClient client = context.connect()) {
            client.send(marked(context, client, true));
            client.settle();
            String seen = answer(client.untilSilence(context.manner().moment()));
            client.request();
            boolean goesOn = client.answeredOrClosed(context.answer());
            client.end();
            client.awaitEnd();
            return goesOn ? seen : "the connection is closed";
        }
    }

    private static String ofRefusedLength(CaseContext context) throws IOException, CaseClient.Failed {
        try (Witness witness = new Witness()) {
            for (boolean known : new boolean[]{false, true})
                try (CaseClient client = context.connect()) {
                    client.send(context.target().header(known, client.pid, HEADER - 1, false), witness.passed());
                    client.untilSilence(context.manner().moment());
                }
            witness.mustBeClosed(context.target().patience(), false);
            return "";
        }
    }

    private static String withOtherPayloads(CaseContext context) throws IOException, CaseClient.Failed {
        try (Witness witness = new Witness()) {
            for (byte[] payload : FramingCases.payloadsBeside(context.target().payload()))
                try (CaseClient client = context.connect()) {
                    client.send(context.target().request(context.target().id(), client.pid, payload, true),
                            witness.passed());
                    client.settle();
                    client.end();
                    client.untilSilence();
                }
            witness.mustBeClosed(context.target().patience(), true);
            return "";
        }
    }

    private static String known(CaseContext context, boolean mark, int count) throws IOException, CaseClient.Failed {
        try (Witness witness = new Witness()) {
            String seen;
            try (CaseClient client = context.connect()) {
                client.send(marked(context, client, mark), CaseContext.times(witness, count));
                seen = answer(client);
            }
            witness.mustBeClosed(context.target().patience(), true);
            return seen;
        }
    }

    private static String passed(CaseContext context, boolean marked, int count)
            throws IOException, CaseClient.Failed, UntestedCase {
        context.needsUnknownType();
        try (Witness witness = new Witness()) {
            boolean answered = true;
            try (CaseClient client = context.connect()) {
                client.send(context.target().unknown(client.pid, new byte[0], marked),
                        CaseContext.times(witness, count));
                client.settle();
                client.request();
                if (count == 1)
                    context.awaitAnswer(client);
                else
                    answered = client.answeredOrClosed(context.answer());
            }
            witness.mustBeClosed(context.target().patience(), false);
            return answered ? "" : "the connection is closed";
        }
    }

    private static String late(CaseContext context) throws IOException, CaseClient.Failed {
        try (Witness witness = new Witness()) {
            String seen;
            try (CaseClient client = context.connect()) {
                byte[] message = marked(context, client, true);
                client.send(Arrays.copyOf(message, message.length - 1));
                client.settle();
                client.send(new byte[]{message[message.length - 1]}, witness.passed());
                seen = answer(client);
            }
            witness.mustBeClosed(context.target().patience(), true);
            return seen;
        }
    }

    private static String flood(CaseContext context) throws IOException, CaseClient.Failed, UntestedCase {
        context.needsUnknownType();
        int count = context.bearable(FLOOD);
        List<Witness> witnesses = new ArrayList<>();
        try {
            boolean answered;
            try (CaseClient client = context.connect()) {
                for (int i = 0; i < count; i++) {
                    witnesses.add(new Witness());
                    client.send(context.target().unknown(client.pid, new byte[0], true), witnesses.getLast().passed());
                }
                client.settle();
                client.request();
                answered = client.answeredOrClosed(context.answer());
            }
            for (Witness witness : witnesses)
                witness.mustBeClosed(context.target().patience(), false);
            return count + " descriptors" + (answered ? "" : ", the connection is closed");
        } finally {
            witnesses.forEach(Witness::close);
        }
    }

    /** A client that comes after a descriptor was closed has its number; it must not lose its connection with the first's. */
    private static String closedOnce(CaseContext context) throws IOException, CaseClient.Failed, UntestedCase {
        context.needsOthers();
        context.needsMoreAnswers();
        try (CaseClient first = context.connect(); Witness witness = new Witness()) {
            first.send(marked(context, first, true), witness.passed());
            String seen = answer(first);
            try (CaseClient second = context.connect()) {
                second.request();
                context.awaitAnswer(second);
                first.leave();
                try (CaseClient third = context.connect()) {
                    third.request();
                    context.awaitAnswer(third);
                }
                second.request();
                context.awaitAnswer(second);
            }
            return seen;
        }
    }

    /** Twice, since 0 that was closed is the next client's number. */
    private static String closesNothing(CaseContext context) throws IOException, CaseClient.Failed, UntestedCase {
        context.needsOthers();
        context.needsMoreAnswers();
        try (CaseClient first = context.connect()) {
            first.send(marked(context, first, true));
            String seen = answer(first);
            try (CaseClient second = context.connect(); CaseClient third = context.connect()) {
                second.request();
                context.awaitAnswer(second);
                third.send(marked(context, third, true));
                answer(third);
                second.request();
                context.awaitAnswer(second);
            }
            return seen;
        }
    }

    private static String withEachPart(CaseContext context) throws IOException, CaseClient.Failed {
        try (Witness one = new Witness(); Witness other = new Witness()) {
            String seen;
            try (CaseClient client = context.connect()) {
                byte[] message = marked(context, client, true);
                client.send(Arrays.copyOf(message, HEADER / 2), one.passed());
                client.settle();
                client.send(Arrays.copyOfRange(message, HEADER / 2, message.length), other.passed());
                seen = answer(client);
            }
            one.mustBeClosed(context.target().patience(), true);
            other.mustBeClosed(context.target().patience(), true);
            return seen;
        }
    }

    /** The other is still there, or has left. */
    private static String ofAnother(CaseContext context) throws IOException, CaseClient.Failed, UntestedCase {
        context.needsOthers();
        List<String> wanted = looks(context, true, false);
        try (CaseClient other = context.connect(); Witness witness = new Witness()) {
            other.send(Arrays.copyOf(marked(context, other, true), HEADER / 2), witness.passed());
            other.settle();
            for (boolean left : new boolean[]{false, true}) {
                if (left)
                    other.leave();
                try (CaseClient client = context.connect()) {
                    client.send(marked(context, client, true));
                    same(wanted, client, "a message has a mark and no descriptor, which another client's has");
                }
            }
            return "";
        }
    }

    private static String eachOfMany(CaseContext context) throws IOException, CaseClient.Failed {
        List<String> with = looks(context, true);
        try (CaseClient client = context.connect(); Witness witness = new Witness()) {
            for (int i = 0; i < FLOOD; i++)
                client.send(marked(context, client, true), witness.passed());
            return same(java.util.Collections.nCopies(FLOOD, with.getFirst()), client,
                    FLOOD + " messages have a descriptor each");
        }
    }

    /** The second of two messages has the descriptor and the mark, the first all other flags. */
    private static String otherFlags(CaseContext context) throws IOException, CaseClient.Failed {
        List<String> wanted = List.of(looks(context, false).getFirst(), looks(context, true).getFirst());
        try (CaseClient client = context.connect(); Witness witness = new Witness()) {
            byte[] first = marked(context, client, false);
            ByteBuffer.wrap(first).order(ByteOrder.nativeOrder()).putShort(FLAGS_AT, (short) ~1);
            client.send(CaseContext.joined(first, marked(context, client, true)), witness.passed());
            return same(wanted, client, "the message with the mark has the descriptor");
        }
    }

    private static String ownMessage(CaseContext context) throws IOException, CaseClient.Failed {
        List<String> with = looks(context, true);
        List<String> without = looks(context, false);
        List<String> wanted = List.of(without.getFirst(), with.getFirst(), without.getFirst());
        try (CaseClient client = context.connect(); Witness witness = new Witness()) {
            client.send(CaseContext.joined(
                    CaseContext.joined(marked(context, client, false), marked(context, client, true)),
                    marked(context, client, false)), witness.passed());
            return same(wanted, client, "of three messages the second has the descriptor");
        }
    }

    private static String ofCutMessage(CaseContext context) throws IOException, CaseClient.Failed {
        List<String> wanted = looks(context, true);
        try (CaseClient client = context.connect(); Witness witness = new Witness()) {
            byte[] message = marked(context, client, true);
            client.send(Arrays.copyOf(message, HEADER / 2), witness.passed());
            client.settle();
            client.send(Arrays.copyOfRange(message, HEADER / 2, message.length));
            return same(wanted, client, "the descriptor came with the first part of the message");
        }
    }

    private static String same(List<String> wanted, CaseClient client, String what)
            throws IOException, CaseClient.Failed {
        List<String> seen = client.untilSilence().stream().map(CaseContext::look).toList();
        if (!seen.equals(wanted))
            throw new CaseClient.Failed(what + ", and the answers do not show it");
        return "";
    }

    private static List<String> looks(CaseContext context, boolean passed) throws IOException, CaseClient.Failed {
        return looks(context, passed, passed);
    }

    private static List<String> looks(CaseContext context, boolean mark, boolean passed)
            throws IOException, CaseClient.Failed {
        try (CaseClient client = context.connect(); Witness witness = new Witness()) {
            client.send(marked(context, client, mark), CaseContext.times(witness, passed ? 1 : 0));
            List<String> looks = client.untilSilence().stream().map(CaseContext::look).toList();
            if (looks.size() != 1)
                throw new CaseClient.Failed("the request is answered with " + looks.size() + " messages");
            return looks;
        }
    }

    private static String cutAfterDescriptor(CaseContext context) throws IOException, CaseClient.Failed {
        try (Witness witness = new Witness()) {
            try (CaseClient client = context.connect()) {
                client.send(Arrays.copyOf(context.target().unknown(client.pid, new byte[0], true), HEADER / 2),
                        witness.passed());
            }
            witness.mustBeClosed(context.target().patience(), false);
            return "";
        }
    }
}
