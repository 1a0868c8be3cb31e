package org.imsg.peers.smtpd;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Iterator;
import java.util.List;
import java.util.Map;

import org.imsg.Ibuf;
import org.imsg.Imsg;
import org.imsg.ImsgChannel;
import org.imsg.peers.PeerServer;
import org.imsg.peers.smtpd.SmtpdStructs.Counter;
import org.imsg.peers.smtpd.SmtpdStructs.StatEntry;
import org.imsg.unix.Fd;
import org.imsg.unix.FdChannel;

/**
 * An smtpd as far as smtpctl(8) and sendmail(8) can tell: it passes each who asks a descriptor to hand a mail in by.
 *
 * {@snippet file="org/imsg/peers/smtpd/SmtpdServerTest.java" region="server"}
 */
public final class SmtpdServer implements AutoCloseable {
    private static final System.Logger LOG = System.getLogger(SmtpdServer.class.getName());

    private final PeerServer server;

    private SmtpdServer(PeerServer server) {
        this.server = server;
    }

    /**
     * Begins to listen.
     *
     * @param socket where; both programs look for {@code /run/smtpd.sock}
     * @param version what the clients are
     * @param service what to tell them
     * @return the server, which the caller closes
     * @throws IOException if it cannot listen there
     */
    public static SmtpdServer listen(Path socket, SmtpdVersion version, SmtpdService service) throws IOException {
        return new SmtpdServer(
                PeerServer.listen(socket, version::prepare, (client, _) -> new Session(client, service).serve()));
    }

    /** Ends every connection and the socket; a mail being handed in is waited for. */
    @Override
    public void close() {
        server.close();
    }

    private record Session(ImsgChannel client, SmtpdService service) {
        void serve() throws IOException {
            for (Imsg request; (request = client.receive()) != null;) {
                request.close(); // no request has a descriptor
                if (request.id() != SmtpdVersion.PROTOCOL)
                    reply(SmtpdVersion.FAIL, new byte[0]);
                else
                    answer(request);
                client.flush();
            }
        }

        private void answer(Imsg request) throws IOException {
            switch (request.type()) {
                case SmtpdVersion.SMTP_SESSION -> session();
                case SmtpdVersion.SHOW_STATUS -> status();
                case SmtpdVersion.STATS -> statistics(request.getData(SmtpdStructs.STAT_ENTRY));
                case SmtpdVersion.LIST_MESSAGES -> messages(request.getIbuf().getH32());
                case SmtpdVersion.LIST_ENVELOPES -> envelopes(request.getIbuf().getH64());
                case SmtpdVersion.VERBOSE -> reply(SmtpdVersion.OK, new byte[0]);
                default -> pauseOrResume(request.type());
            }
        }

        private void session() throws IOException {
            try (Fd.Pair ends = Fd.socketpair(); FdChannel ours = new FdChannel(ends.first())) {
                client.compose(SmtpdVersion.OK, 0, 0, ends.second(), new byte[0]);
                client.flush();
                Mail mail = SmtpDialogue.take(ours);
                if (mail != null)
                    service.deliver(mail);
            }
        }

        private void status() throws IOException {
            int flags = service.paused().stream().mapToInt(part -> part.paused).sum();
            try (Ibuf payload = Ibuf.open(4).addH32(flags)) {
                reply(SmtpdVersion.SHOW_STATUS, payload.get(4));
            }
        }

        /** The cursor of an entry is the number of the next; 0 tells that there is none. */
        private void statistics(StatEntry asked) throws IOException {
            Iterator<Map.Entry<String, Long>> entries = service.statistics().entrySet().iterator();
            for (long skipped = 0; skipped < asked.cursor() && entries.hasNext(); skipped++)
                entries.next();
            StatEntry answer = new StatEntry(0, "", SmtpdStructs.COUNTER, new byte[16]);
            if (entries.hasNext()) {
                Map.Entry<String, Long> entry = entries.next();
                answer = new StatEntry(asked.cursor() + 1, entry.getKey(), SmtpdStructs.COUNTER,
                        SmtpdStructs.COUNTER_VALUE.toBytes(new Counter(entry.getValue()), 16));
            }
            reply(SmtpdVersion.STATS, SmtpdStructs.STAT_ENTRY.toBytes(answer));
        }

        private void messages(long from) throws IOException {
            List<Integer> ids = service.queue().stream().map(Envelope::message).distinct()
                    .filter(id -> Integer.toUnsignedLong(id) >= from).sorted(Integer::compareUnsigned).toList();
            try (Ibuf payload = Ibuf.dynamic(0, client.maxSize())) {
                for (int id : ids.subList(0, Math.min(ids.size(), client.maxSize() / Integer.BYTES)))
                    payload.addH32(Integer.toUnsignedLong(id));
                reply(SmtpdVersion.LIST_MESSAGES, payload.get(payload.size()));
            }
        }

        private void envelopes(long from) throws IOException {
            for (Envelope envelope : service.queue()) {
                if (envelope.message() == (int) (from >>> 32)
                        && Long.compareUnsigned(envelope.id(), from) >= 0) {
                    Ibuf payload = client.create(SmtpdVersion.LIST_ENVELOPES, 0, 0, 0);
                    SmtpdStructs.addEnvelope(payload, envelope);
                    client.compose(payload);
                }
            }
            reply(SmtpdVersion.LIST_ENVELOPES, new byte[0]);
        }

        private void pauseOrResume(int type) throws IOException {
            for (Part part : Part.values()) {
                if (type == part.pause || type == part.resume) {
                    boolean done = service.pause(part, type == part.pause);
                    reply(done ? SmtpdVersion.OK : SmtpdVersion.FAIL, new byte[0]);
                    return;
                }
            }
            LOG.log(System.Logger.Level.WARNING,
                    "a request of type " + Integer.toUnsignedString(type) + " is not known and refused");
            reply(SmtpdVersion.FAIL, new byte[0]);
        }

        private void reply(int type, byte[] payload) throws IOException {
            int id = type == SmtpdVersion.FAIL ? SmtpdVersion.PROTOCOL : 0;
            client.compose(type, id, 0, payload);
        }
    }
}
