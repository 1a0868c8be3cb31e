package org.imsg.harness.cli;

import java.io.IOException;
import java.nio.channels.ClosedChannelException;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import java.util.function.Consumer;
import org.imsg.harness.describe.TextFile;
import org.imsg.harness.record.Conversation;
import org.imsg.harness.record.Direction;
import org.imsg.harness.record.Event;
import org.imsg.harness.scripted.Responder;
import org.imsg.harness.stream.RawListener;
import org.imsg.harness.stream.RawSocket;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(name = "listen", mixinStandardHelpOptions = true, description = {
        "Listens at a socket and shows what clients send; answers by a script, several clients at once.",
        "A script has rules such as: on 13, then lines such as: send 1 data=text. The grammar: imsg help script."}, footer = {
                "%nExample:%n", "  printf 'on 10\\n send 10 hex=0102\\n' >script",
                "  imsg listen /tmp/daemon.sock --script script --once"})
final class ListenCommand implements Callable<Integer> {
    @Parameters(paramLabel = "PATH", description = "Where to listen; a socket that no process listens at any more is replaced.")
    private Path path;

    @Option(names = "--script", paramLabel = "FILE", description = "What to answer; nothing unless given.")
    private @Nullable Path script;

    @Option(names = "--echo", description = "Sends every message back.")
    private boolean echo;

    @Option(names = "--once", description = "Serves one client, and ends when it has left.")
    private boolean once;

    @Mixin
    private Keeping keeping;

    @Mixin
    private Reading reading;

    @Mixin
    private Output output;

    @Override
    public Integer call() throws Exception {
        SocketPath.check(path);
        int limit = reading.limit();
        keeping.check(script, reading.description);
        Responder responder = script != null
                ? Responder.parse(TextFile.read(Reading.file(script), TextFile.SCRIPT_LINE), reading.protocol())
                : echo ? Responder.ECHO : Responder.SILENT;
        try (Progress progress = output.progress(0);
                RawListener listener = RawListener.listen(path, 0600);
                KeptEvents kept = keeping.open("listen at " + path, reading.protocol())) {
            progress.endWith(listener::close);
            output.endWithReader(listener::close);
            Consumer<Event> witness = output.witness(reading.protocol(), kept, progress, Progress::counted);
            if (once)
                serveOne(listener, responder, limit, witness);
            else
                new Clients(listener, responder, reading.format, limit, witness).serve();
        } catch (ClosedChannelException _) {
            // by the interrupt that ends the program
        }
        output.checkReader();
        return ExitCode.OK;
    }

    private void serveOne(RawListener listener, Responder responder, int limit, Consumer<Event> witness)
            throws IOException, InterruptedException {
        RawSocket socket = listener.accept();
        witness.accept(Clients.connected(socket.peerCredentials(), 1));
        try (Conversation client = new Conversation(socket, Direction.TO_CLIENT, reading.format, limit,
                witness)) {
            responder.serve(client, Clients.LONG);
        }
    }
}
