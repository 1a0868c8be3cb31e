package org.imsg.harness.conformance;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.imsg.harness.record.Event;
import org.imsg.unix.Fd;

/**
 * What the cases stand on: the target, and what the first connections showed.
 *
 * @param target the daemon
 * @param answer what its request is answered with
 * @param unknownFault what went wrong after a message of an unknown type; empty if nothing did
 * @param unknownTypeCloses whether such a message closes the connection
 * @param daemon the process that listens
 * @param descriptorShows whether an answer tells if its request had a descriptor
 * @param manner how the daemon behaves where it is free to
 */
record CaseContext(Target target, KnownAnswer answer, String unknownFault, boolean unknownTypeCloses, int daemon,
        boolean descriptorShows, Manner manner) {
    /** Differs from its bytes in the other order. */
    private static final int OTHER_ID = 0x0102_0304;
    /** Numbers that a field of 32 bits has room for, and a smaller or a signed one not. */
    static final List<Integer> EXTREMES = List.of(-1, Integer.MIN_VALUE, Integer.MAX_VALUE, 0x1_0000, 0);

    /** Throws if the request is not answered, and {@link CaseClient.Failed} if it is, but not with messages. */
    static CaseContext explore(Target target) throws IOException, CaseClient.Failed {
        int daemon = 0;
        Manner stranger = Manner.unknown(target, 0);
        List<Manner> manners = new ArrayList<>();
        List<KnownAnswer.Sample> samples = new ArrayList<>();
        for (int id : new int[]{target.id(), OTHER_ID, target.id()})
            try (CaseClient client = new CaseClient(target, stranger)) {
                daemon = client.daemon();
                if (samples.isEmpty()) // on this connection: a daemon may not survive a client that says nothing
                    stranger = Manner.unknown(target, client.untilSilence(target.moment()).size());
                long sent = System.nanoTime();
                KnownAnswer.Sample sample = client.sample(id,
                        samples.isEmpty() ? target.answer().size() : samples.getFirst().answer().size());
                if (id != target.id() && !sample.types().equals(samples.getFirst().types()))
                    continue; // the peerid means something to this daemon
                if (sample.answer().isEmpty())
                    throw new IOException("a request of type " + Integer.toUnsignedString(target.type())
                            + " is not answered at " + target.socket() + " within " + target.patience().toMillis()
                            + " ms");
                samples.add(sample);
                manners.add(client.mannerSince(sent));
            }
        Manner fastest = Collections.min(manners, Comparator.comparing(Manner::time));
        Manner manner = new Manner(stranger.greeting(), fastest.moment(), fastest.time(),
                manners.stream().allMatch(Manner::ends));
        CaseContext known = new CaseContext(target, new KnownAnswer(samples, Set.of()), "", false, daemon, false,
                manner);
        boolean shows = known.explorePassing();
        try (CaseClient client = known.connect()) {
            client.send(target.unknown(client.pid, new byte[0], false));
            Set<Integer> beside = new HashSet<>();
            client.untilSilence(manner.moment()).forEach(event -> beside.add(event.type()));
            client.request();
            KnownAnswer answer = new KnownAnswer(samples, beside);
            return new CaseContext(target, answer, "", !client.answeredOrClosed(answer), daemon, shows, manner);
        } catch (CaseClient.Failed e) {
            return new CaseContext(target, known.answer, "after a message of an unknown type " + e.getMessage(), true,
                    daemon, shows, manner);
        }
    }

    /** Whether the answer to a request with a descriptor differs from that to one without. */
    private boolean explorePassing() throws IOException {
        if (!answer.isSingle())
            return false;
        try (CaseClient client = connect(); Witness witness = new Witness()) {
            client.send(target.request(target.id(), client.pid, target.payload(), true), witness.passed());
            List<Event> with = client.untilSilence();
            client.request();
            List<Event> without = client.untilSilence();
            byte[] three = joined(client.requestBytes(),
                    target.request(target.id(), client.pid, target.payload(), true));
            client.send(joined(three, client.requestBytes()), witness.passed());
            List<Event> all = new ArrayList<>(client.untilSilence());
            all.addAll(with);
            all.addAll(without);
            return all.size() == 5 && all.stream().map(CaseContext::look).distinct().count() > 1;
        } catch (CaseClient.Failed _) {
            return false;
        }
    }

    /** What of an answer may tell of a descriptor. */
    static String look(Event message) {
        return message.type() + " " + java.util.HexFormat.of().formatHex(message.payload()) + " "
                + message.descriptors().size();
    }

    CaseClient connect() throws IOException {
        return new CaseClient(target, manner);
    }

    void awaitAnswer(CaseClient client) throws IOException, CaseClient.Failed {
        awaitAnswers(client, 1);
    }

    void awaitAnswers(CaseClient client, int count) throws IOException, CaseClient.Failed {
        try {
            client.awaitAnswers(answer, count);
        } catch (CaseClient.Closed e) {
            throw new CaseClient.Failed(e.getMessage());
        }
    }

    void awaitAnswers(CaseClient client, List<Integer> ids, byte[] payload) throws IOException, CaseClient.Failed {
        try {
            client.awaitAnswers(answer, ids, payload);
        } catch (CaseClient.Closed e) {
            throw new CaseClient.Failed(e.getMessage());
        }
    }

    /** Different peerids for requests of which each answer has its own; the same ones to other daemons. */
    List<Integer> ids(int count) {
        List<Integer> ids = new ArrayList<>();
        for (int i = 0; i < count; i++)
            ids.add(!answer.echoesIds() ? target.id() : i < EXTREMES.size() ? EXTREMES.get(i) : 1000 + i);
        return ids;
    }

    /** The requests with these peerids, one behind the other. */
    byte[] requests(CaseClient client, List<Integer> ids) {
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        for (int id : ids)
            all.writeBytes(target.request(id, client.pid, target.payload(), false));
        return all.toByteArray();
    }

    static byte[] joined(byte[] first, byte[] second) {
        byte[] both = java.util.Arrays.copyOf(first, first.length + second.length);
        System.arraycopy(second, 0, both, first.length, second.length);
        return both;
    }

    /** A descriptor for a message, as often as wanted. */
    static Fd[] times(Witness witness, int count) {
        return java.util.Collections.nCopies(count, witness.passed()).toArray(Fd[]::new);
    }

    /** A new client must be answered. */
    void mustServe(String after) throws CaseClient.Failed {
        try (CaseClient next = connect()) {
            next.request();
            awaitAnswer(next);
        } catch (IOException | CaseClient.Failed e) {
            throw new CaseClient.Failed("after " + after + " a new client is not served: " + e.getMessage());
        }
    }

    /** So many requests, or as many as a slow daemon answers while another client waits. */
    int bearable(int count) {
        return manner.isSlow() ? Math.clamp(target.patience().dividedBy(manner.time()) / 4, 1, count) : count;
    }

    /** So many requests of one client that it is answered. */
    int atOnce(int count) {
        return manner.ends() ? 1 : bearable(count);
    }

    void needsOthers() throws UntestedCase {
        if (target.connections() == 1)
            throw new UntestedCase("this daemon serves one client at a time");
    }

    void needsMoreAnswers() throws UntestedCase {
        if (manner.ends())
            throw new UntestedCase("this daemon closes the connection after each answer");
    }

    void needsManyAnswers() throws UntestedCase {
        needsMoreAnswers();
        needsSpeed();
    }

    void needsSpeed() throws UntestedCase {
        if (manner.isSlow())
            throw new UntestedCase("an answer of this daemon takes " + manner.time().toMillis()
                    + " ms, and many would take too long");
    }

    void needsUnknownType() throws UntestedCase {
        if (unknownTypeCloses)
            throw new UntestedCase("this daemon closes the connection at a type it does not know");
    }
}
