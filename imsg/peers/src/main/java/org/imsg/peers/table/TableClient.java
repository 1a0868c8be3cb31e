package org.imsg.peers.table;

import java.io.EOFException;
import java.io.IOException;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;

import org.imsg.Imsg;
import org.imsg.ImsgChannel;
import org.imsg.peers.Answers;
import org.imsg.peers.table.TableStructs.Answer;
import org.imsg.peers.table.TableStructs.Fetch;
import org.imsg.peers.table.TableStructs.Open;
import org.imsg.peers.table.TableStructs.Query;

/**
 * Asks a table backend, as smtpd does. Not safe for use by several threads at once.
 *
 * <p>Every method throws {@link java.net.SocketTimeoutException} if the backend is silent for ten seconds, and
 * {@link EOFException} if it leaves before its answer; after an answer that cannot be read the connection is closed, too.
 */
public final class TableClient implements AutoCloseable {
    private final ImsgChannel backend;
    private final Answers<TableVersion> answers;

    private TableClient(ImsgChannel backend) {
        this.backend = backend;
        this.answers = new Answers<>("the table backend", backend, TableVersion.V6_8, List.of());
    }

    /**
     * Opens a table.
     *
     * @param backend whose other end is descriptor 0 of the backend; closed with the client, and if this throws
     * @param version of the OpenSMTPD the backend belongs to
     * @param name of the table, at most 2047 bytes
     * @return the client, which the caller closes
     * @throws IOException if the backend fails
     */
    public static TableClient open(ImsgChannel backend, TableVersion version, String name) throws IOException {
        TableClient client = new TableClient(version.prepare(backend));
        try {
            client.ask(TableVersion.OPEN, TableStructs.OPEN.toBytes(new Open(TableVersion.PROTOCOL, name)), _ -> name);
            return client;
        } catch (IOException | RuntimeException e) {
            try (backend) {
                throw e;
            }
        }
    }

    /**
     * Looks a key up.
     *
     * @param service what kind of thing it is
     * @param key what is looked for
     * @return what the table has for it; empty if nothing
     * @throws IOException if the backend cannot tell
     */
    public Optional<String> lookup(TableKind service, String key) throws IOException {
        Answer answer = answer("the lookup of " + key, TableVersion.LOOKUP,
                TableStructs.QUERY.toBytes(new Query(service.number, 0, key)), true);
        return answer.result() == 1 ? Optional.of(answer.text()) : Optional.empty();
    }

    /**
     * Tells whether a key is there.
     *
     * @param service what kind of thing it is
     * @param key what is looked for
     * @return whether it is
     * @throws IOException if the backend cannot tell
     */
    public boolean check(TableKind service, String key) throws IOException {
        return answer("the check of " + key, TableVersion.CHECK,
                TableStructs.QUERY.toBytes(new Query(service.number, 0, key)), false).result() == 1;
    }

    /**
     * Gives any value.
     *
     * @param service what kind of thing is wanted
     * @return a value; empty if there is none
     * @throws IOException if the backend cannot tell, as one that has no list to go through
     */
    public Optional<String> fetch(TableKind service) throws IOException {
        Answer answer = answer("a fetch", TableVersion.FETCH, TableStructs.FETCH.toBytes(new Fetch(service.number, 0)),
                true);
        return answer.result() == 1 ? Optional.of(answer.text()) : Optional.empty();
    }

    /**
     * Has the backend read its source again.
     *
     * @return whether that went well
     * @throws IOException if the backend fails
     */
    public boolean update() throws IOException {
        return answer("the update", TableVersion.UPDATE, new byte[0], false).result() == 1;
    }

    private Answer answer(String what, int type, byte[] payload, boolean withText) throws IOException {
        Answer answer = ask(type, payload, reply -> reply.getData(TableStructs.ANSWER).checked(withText));
        if (answer.result() < 0)
            throw new IOException("the table backend failed at " + what + ": " + answer.result());
        return answer;
    }

    private <M> M ask(int type, byte[] payload, Function<Imsg, M> meaning) throws IOException {
        return answers.ask(Imsg.of(type, 0, 0, payload), () -> answers.read(answers.receive(),
                (_, reply) -> meaning.apply(Answers.ofType(reply, TableVersion.OK))));
    }

    /** Tells the backend to end, and leaves. */
    @Override
    public void close() throws IOException {
        try (backend) {
            if (backend.isOpen())
                backend.send(Imsg.of(TableVersion.CLOSE), Answers.PATIENCE);
        }
    }
}
