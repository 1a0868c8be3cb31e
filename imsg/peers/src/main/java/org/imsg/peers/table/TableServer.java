package org.imsg.peers.table;

import java.io.IOException;
import java.nio.file.Path;
import java.util.function.Function;

import org.imsg.Imsg;
import org.imsg.ImsgChannel;
import org.imsg.peers.PeerServer;
import org.imsg.peers.table.TableStructs.Answer;
import org.imsg.peers.table.TableStructs.Fetch;
import org.imsg.peers.table.TableStructs.Open;
import org.imsg.peers.table.TableStructs.Query;
import org.jspecify.annotations.Nullable;

/**
 * A table backend. smtpd starts one as a program, {@code /usr/libexec/opensmtpd/table-NAME}, with the channel on descriptor
 * 0: such a program says {@code TableServer.serve(ImsgChannel.of(Fd.of(0)), ...)}. Or the program only relays to a socket,
 * where one JVM serves many tables.
 *
 * {@snippet file="org/imsg/peers/table/TableServerTest.java" region="server"}
 */
public final class TableServer implements AutoCloseable {
    private final PeerServer server;

    private TableServer(PeerServer server) {
        this.server = server;
    }

    /**
     * Begins to listen for relays.
     *
     * @param socket where
     * @param version what smtpd is
     * @param tables finds a table by its name in smtpd.conf(5); null if there is none
     * @return the server, which the caller closes
     * @throws IOException if it cannot listen there
     */
    public static TableServer listen(Path socket, TableVersion version, Function<String, @Nullable Table> tables)
            throws IOException {
        return new TableServer(PeerServer.listen(socket, version::prepare, (client, _) -> serve(client, tables)));
    }

    /**
     * Serves one smtpd process until it leaves.
     *
     * @param smtpd the channel; not closed
     * @param tables finds a table by its name; null if there is none, which is an error
     * @throws IOException if smtpd fails, or speaks another version of the protocol
     */
    public static void serve(ImsgChannel smtpd, Function<String, @Nullable Table> tables) throws IOException {
        Table table = null;
        for (Imsg request; (request = smtpd.receive()) != null && request.type() != TableVersion.CLOSE;) {
            if (request.type() == TableVersion.OPEN)
                table = open(request.getData(TableStructs.OPEN), tables);
            else if (table == null)
                throw new IOException("smtpd asks before it opens a table: " + request);
            byte[] answer = request.type() == TableVersion.OPEN
                    ? new byte[0]
                    : TableStructs.ANSWER.toBytes(answer(table, request));
            smtpd.compose(TableVersion.OK, 0, 0, answer);
            smtpd.flush();
        }
    }

    private static Table open(Open open, Function<String, @Nullable Table> tables) throws IOException {
        if (open.version() != TableVersion.PROTOCOL)
            throw new IOException(
                    "smtpd speaks version " + Integer.toUnsignedString(open.version()) + " of the table protocol, not "
                            + TableVersion.PROTOCOL);
        Table table = tables.apply(open.name());
        if (table == null)
            throw new IOException("smtpd asks for a table that is not here: " + open.name());
        return table;
    }

    private static Answer answer(Table table, Imsg request) throws IOException {
        return switch (request.type()) {
            case TableVersion.UPDATE -> Answer.of(table.update());
            case TableVersion.CHECK -> {
                Query query = request.getData(TableStructs.QUERY);
                yield Answer.of(table.check(TableKind.of(query.service()), query.key()));
            }
            case TableVersion.LOOKUP -> {
                Query query = request.getData(TableStructs.QUERY);
                yield Answer.of(table.lookup(TableKind.of(query.service()), query.key()));
            }
            case TableVersion.FETCH -> {
                Fetch fetch = request.getData(TableStructs.FETCH);
                yield Answer.of(table.fetch(TableKind.of(fetch.service())));
            }
            default -> throw new IOException("smtpd sent a request that is not known: " + request);
        };
    }

    /** Ends every connection and the socket. */
    @Override
    public void close() {
        server.close();
    }
}
