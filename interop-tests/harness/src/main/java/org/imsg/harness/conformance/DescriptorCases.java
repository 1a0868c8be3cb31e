package org.imsg.harness.conformance;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.imsg.unix.Fd;

/** Descriptors that the daemon did not ask for: it must go on, and must not keep them. */
final class DescriptorCases {
    private static final String GROUP = "descriptors";
    private static final int HEADER = 16;
    private static final int FLOOD = 64;

    private DescriptorCases() {}

    static List<Case> all() {
        return List.of(
                new Case(GROUP, "mark-without-descriptor", "the message is delivered, imsg_get_fd returns -1",
                        DescriptorCases::markOnly),
                new Case(GROUP, "descriptor-not-asked-for",
                        "the message is delivered; imsg_free closes the descriptor that was not taken",
                        context -> passed(context, true, 1)),
                new Case(GROUP, "descriptor-without-mark",
                        "imsgbuf_read keeps it for the next marked message, or closes it",
                        context -> passed(context, false, 1)),
                new Case(GROUP, "two-descriptors-with-one-message",
                        "the control buffer has room for one: the kernel drops the other",
                        context -> passed(context, true, 2)),
                new Case(GROUP, "descriptor-with-the-last-byte",
                        "the descriptor is there when the message is whole, and is delivered with it",
                        DescriptorCases::late),
                new Case(GROUP, "descriptor-flood",
                        "each is delivered with its message, and closed if it was not taken",
                        DescriptorCases::flood),
                new Case(GROUP, "descriptor-and-then-no-more", "a received descriptor is closed with the connection",
                        DescriptorCases::cutAfterDescriptor));
    }

    private static String markOnly(CaseContext context) throws IOException, CaseClient.Failed, SkippedCase {
        context.needsUnknownType();
        try (CaseClient client = context.connect()) {
            client.send(context.target().unknown(client.pid, HEADER, true));
            client.settle();
            client.request();
            client.awaitAnswers(1);
            return "";
        }
    }

    private static String passed(CaseContext context, boolean marked, int count)
            throws IOException, CaseClient.Failed, SkippedCase {
        context.needsUnknownType();
        try (Witness witness = new Witness()) {
            boolean answered;
            try (CaseClient client = context.connect()) {
                Fd[] same = new Fd[count];
                Arrays.fill(same, witness.passed());
                client.send(context.target().unknown(client.pid, HEADER, marked), same);
                client.settle();
                client.request();
                if (count == 1)
                    client.awaitAnswers(1);
                answered = count == 1 || client.answeredOrClosed();
            }
            witness.mustBeClosed(context.target().patience());
            return answered ? "" : "the connection is closed";
        }
    }

    private static String late(CaseContext context) throws IOException, CaseClient.Failed, SkippedCase {
        context.needsUnknownType();
        try (Witness witness = new Witness()) {
            boolean answered;
            try (CaseClient client = context.connect()) {
                byte[] header = context.target().unknown(client.pid, HEADER, true);
                client.send(Arrays.copyOf(header, HEADER - 1));
                client.settle();
                client.send(new byte[]{header[HEADER - 1]}, witness.passed());
                client.settle();
                client.request();
                answered = client.answeredOrClosed();
            }
            witness.mustBeClosed(context.target().patience());
            return answered ? "" : "the connection is closed";
        }
    }

    private static String flood(CaseContext context) throws IOException, CaseClient.Failed, SkippedCase {
        context.needsUnknownType();
        List<Witness> witnesses = new ArrayList<>();
        try {
            boolean answered;
            try (CaseClient client = context.connect()) {
                for (int i = 0; i < FLOOD; i++) {
                    witnesses.add(new Witness());
                    client.send(context.target().unknown(client.pid, HEADER, true), witnesses.getLast().passed());
                }
                client.settle();
                client.request();
                answered = client.answeredOrClosed();
            }
            for (Witness witness : witnesses)
                witness.mustBeClosed(context.target().patience());
            return FLOOD + " descriptors" + (answered ? "" : ", the connection is closed");
        } finally {
            witnesses.forEach(Witness::close);
        }
    }

    private static String cutAfterDescriptor(CaseContext context) throws IOException, CaseClient.Failed {
        try (Witness witness = new Witness()) {
            try (CaseClient client = context.connect()) {
                client.send(Arrays.copyOf(context.target().unknown(client.pid, HEADER, true), HEADER / 2),
                        witness.passed());
            }
            witness.mustBeClosed(context.target().patience());
            return "";
        }
    }
}
