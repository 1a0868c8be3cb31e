package org.imsg.peers.smtpd;

import java.io.EOFException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

import org.imsg.Ibuf;
import org.imsg.Imsg;
import org.imsg.ImsgChannel;
import org.imsg.ImsgProtocolException;
import org.imsg.cstruct.CStruct;
import org.imsg.peers.Answers;
import org.imsg.peers.smtpd.SmtpdStructs.StatEntry;
import org.imsg.unix.Fd;
import org.imsg.unix.FdChannel;
import org.imsg.unix.UnixAddress;

/**
 * Asks an smtpd what smtpctl(8) asks it, and gives it mail as sendmail(8) does. Not safe for use by several threads at once.
 *
 * {@snippet file="org/imsg/peers/smtpd/SmtpdClientTest.java" region="client"}
 *
 * <p>Every method throws {@link java.net.SocketTimeoutException} if smtpd is silent for ten seconds, {@link EOFException}
 * if it leaves before its answer, and {@link SmtpdRefusedException} if it says no; after any failure but that the connection is closed.
 */
public final class SmtpdClient implements AutoCloseable {
    private static final String SMTPD = "smtpd";
    private static final byte[] NOTHING = {};

    private final ImsgChannel channel;
    private final SmtpdVersion version;
    private final Answers<SmtpdVersion> answers;

    private SmtpdClient(ImsgChannel channel, SmtpdVersion version) {
        this.channel = channel;
        this.version = version;
        this.answers = new Answers<>(SMTPD, channel, version, List.of(SmtpdVersion.values()));
    }

    /**
     * Connects to an smtpd.
     *
     * @param socket its control socket, {@code /run/smtpd.sock} as a rule
     * @param version what it is, which it does not tell
     * @return the client, which the caller closes
     * @throws IOException if no daemon listens there
     */
    public static SmtpdClient connect(Path socket, SmtpdVersion version) throws IOException {
        return new SmtpdClient(version.prepare(ImsgChannel.connect(UnixAddress.of(socket), Answers.PATIENCE)), version);
    }

    /**
     * Which parts are paused.
     *
     * @return those; empty if all run
     * @throws IOException if smtpd fails or says no
     */
    public Set<Part> paused() throws IOException {
        long flags = answers.ask(() -> answers.read(ask("its status", SmtpdVersion.SHOW_STATUS, NOTHING),
                (_, status) -> status.getIbuf().getH32()));
        Set<Part> paused = EnumSet.noneOf(Part.class);
        for (Part part : Part.values()) {
            if ((flags & part.paused) != 0)
                paused.add(part);
        }
        return paused;
    }

    /**
     * Pauses a part.
     *
     * @param part the part
     * @throws SmtpdRefusedException if it is paused already
     * @throws IOException if smtpd fails
     */
    public void pause(Part part) throws IOException {
        done("to pause " + part, part.pause, NOTHING).close();
    }

    /**
     * Resumes a part.
     *
     * @param part the part
     * @throws SmtpdRefusedException if it is not paused
     * @throws IOException if smtpd fails
     */
    public void resume(Part part) throws IOException {
        done("to resume " + part, part.resume, NOTHING).close();
    }

    /**
     * The mails that wait, one envelope for each recipient: as many as {@link Answers#MAX_ANSWER} bytes tell of.
     *
     * @return all of them
     * @throws IOException if smtpd fails or says no
     */
    public List<Envelope> queue() throws IOException {
        return answers.ask(() -> {
            List<Envelope> envelopes = new ArrayList<>();
            for (int message : messages())
                envelopes(message, envelopes);
            return envelopes;
        });
    }

    /** The message ids in the queue: asked for in portions, each beginning after the last. */
    private List<Integer> messages() throws IOException {
        List<Integer> messages = new ArrayList<>();
        long from = 0;
        while (from <= 0xffff_ffffL) {
            Imsg answer = ask("the queue", SmtpdVersion.LIST_MESSAGES, Ibuf.open(4).addH32(from).get(4));
            if (answer.length() == 0)
                break;
            messages.addAll(answers.read(answer, (_, list) -> ids(list)));
            from = further(from, Integer.toUnsignedLong(messages.getLast()) + 1);
        }
        return messages;
    }

    private static List<Integer> ids(Imsg answer) {
        List<Integer> ids = new ArrayList<>();
        for (Ibuf left = answer.getIbuf(); left.size() > 0;)
            ids.add((int) left.getH32());
        return ids;
    }

    /** A list that does not go on would be asked for without end. */
    private static Envelope ofMessage(int message, Envelope envelope) {
        if (envelope.message() != message)
            throw new IllegalArgumentException(String.format(Locale.ROOT,
                    "an envelope of message %08x, not %08x", envelope.message(), message));
        return envelope;
    }

    private static long further(long from, long next) throws IOException {
        if (Long.compareUnsigned(next, from) <= 0)
            throw new IOException(SMTPD + " was asked for its list from " + Long.toUnsignedString(from)
                    + " on, and its last is before that");
        return next;
    }

    /** They come in portions, too, each ended by an empty answer; the last is empty at once. */
    private void envelopes(int message, List<Envelope> to) throws IOException {
        long from = Integer.toUnsignedLong(message) << 32;
        int before;
        do {
            before = to.size();
            send(SmtpdVersion.LIST_ENVELOPES, Ibuf.open(8).addH64(from).get(8));
            for (Imsg answer; (answer = receiveAlone("the queue", SmtpdVersion.LIST_ENVELOPES)).length() > 0;)
                to.add(answers.read(answer,
                        (_, entry) -> ofMessage(message, SmtpdStructs.getEnvelope(entry.getIbuf()))));
            if (to.size() > before)
                from = further(from, to.getLast().id() + 1);
        } while (to.size() > before && (int) (from >>> 32) == message);
    }

    /**
     * The counters.
     *
     * @return each by its name, such as {@code scheduler.envelope}
     * @throws IOException if smtpd fails or says no
     */
    public Map<String, Long> statistics() throws IOException {
        return answers.ask(this::counters);
    }

    private Map<String, Long> counters() throws IOException {
        Map<String, Long> counters = new LinkedHashMap<>();
        StatEntry entry = new StatEntry(0, "", SmtpdStructs.COUNTER, new byte[16]);
        Set<String> keys = new HashSet<>();
        while ((entry = next(entry)).cursor() != 0) {
            if (!keys.add(entry.key()))
                throw new IOException(SMTPD + " has named the statistic " + entry.key() + " twice");
            if (entry.kind() == SmtpdStructs.COUNTER)
                counters.put(entry.key(), SmtpdStructs.COUNTER_VALUE.view(entry.value()).value());
        }
        return counters;
    }

    private StatEntry next(StatEntry entry) throws IOException {
        CStruct<StatEntry> struct = SmtpdStructs.STAT_ENTRY;
        return answers.read(ask("statistics", SmtpdVersion.STATS, struct.toBytes(entry)),
                (_, answer) -> answer.getData(struct));
    }

    /**
     * Opens an SMTP session as a local user: the descriptor of a connection to smtpd's own SMTP server.
     *
     * @return the connection, which the caller closes; smtpd greets on it
     * @throws SmtpdRefusedException if taking mail is paused
     * @throws IOException if smtpd fails
     */
    public FdChannel session() throws IOException {
        try (Imsg answer = done("a session", SmtpdVersion.SMTP_SESSION, NOTHING)) {
            Fd session = answer.takeFd();
            if (session == null)
                throw new IOException("smtpd opened a session but passed no descriptor: it is " + answer.descriptor()
                        + version.markedOtherwise());
            return new FdChannel(session);
        } catch (ImsgProtocolException e) {
            if (e.length() == SmtpdVersion.CLASSIC_MARK)
                throw answers.speaksAs(SmtpdVersion.V7_6, e);
            throw e;
        }
    }

    /**
     * Gives smtpd a mail.
     *
     * @param sender its address
     * @param recipients their addresses, at least one
     * @param mail the headers, an empty line, and the body; lines end with a newline
     * @throws SmtpdRefusedException if taking mail is paused
     * @throws IllegalArgumentException if there is a line's end or another control character in an address
     * @throws IOException if smtpd refuses the sender, a recipient or the mail, with its reply in the message, or fails
     */
    public void enqueue(String sender, List<String> recipients, String mail) throws IOException {
        SmtpDialogue.requireOneLine(sender);
        recipients.forEach(SmtpDialogue::requireOneLine);
        try (FdChannel session = session()) {
            SmtpDialogue.submit(session, sender, recipients, mail);
        }
    }

    /**
     * Has a table read again.
     *
     * @param table its name in the configuration
     * @throws IOException if smtpd fails or says no
     */
    public void updateTable(String table) throws IOException {
        done("the update of " + table, SmtpdVersion.UPDATE_TABLE,
                (table + "\0").getBytes(java.nio.charset.StandardCharsets.UTF_8)).close();
    }

    private void send(int type, byte[] payload) throws IOException {
        answers.send(Imsg.of(type, SmtpdVersion.PROTOCOL, 0, payload));
    }

    /** The answer has the type of the request. */
    private Imsg ask(String what, int type, byte[] payload) throws IOException {
        send(type, payload);
        return receiveAlone(what, type);
    }

    private Imsg done(String what, int type, byte[] payload) throws IOException {
        return answers.ask(() -> {
            send(type, payload);
            return receive(what, SmtpdVersion.OK);
        });
    }

    /** The answer, without a descriptor. */
    private Imsg receiveAlone(String what, int type) throws IOException {
        try (Imsg answer = receive(what, type)) {
            return answer;
        }
    }

    /** The answer, closed if it is not of a type. */
    private Imsg receive(String what, int type) throws IOException {
        Imsg answer = answers.receive();
        if (answer.type() == type)
            return answer;
        try (answer) {
            if (answer.type() != SmtpdVersion.FAIL)
                return answers.read(answer, (_, other) -> Answers.ofType(other, type, SmtpdVersion.FAIL));
            if (answer.id() != 0 && answer.id() != SmtpdVersion.PROTOCOL)
                throw new IOException("smtpd speaks version " + Integer.toUnsignedString(answer.id())
                        + " of its protocol, not " + SmtpdVersion.PROTOCOL);
            throw new SmtpdRefusedException(what);
        }
    }

    /** Leaves. */
    @Override
    public void close() throws IOException {
        channel.close();
    }
}
