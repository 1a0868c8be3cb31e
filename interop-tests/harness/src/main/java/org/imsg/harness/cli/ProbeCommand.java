package org.imsg.harness.cli;

import java.io.PrintWriter;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.Callable;
import org.imsg.harness.conformance.Probe;
import org.imsg.harness.describe.JsonObject;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(name = "probe", mixinStandardHelpOptions = true, description = {
        "Finds out what answers at a socket: its process, wire format and longest message.",
        "Sends headers of type 2147483632, which daemons take for unknown, over a new connection each time."}, footer = {
                "%nExample:%n", "  imsg probe /run/smtpd.sock"})
final class ProbeCommand implements Callable<Integer> {
    @Parameters(paramLabel = "SOCKET", description = "The daemon's socket.")
    private Path socket;

    @Option(names = "--patience", paramLabel = "TIME", defaultValue = "200ms", description = "How long a daemon may take to close a connection it does not like (default: ${DEFAULT-VALUE}).")
    private Duration patience;

    @Mixin
    private Output output;

    @Override
    public Integer call() throws Exception {
        SocketPath.check(socket);
        Probe.ProbeResult found = new Probe(socket, patience).run();
        PrintWriter out = output.out();
        if (output.json) {
            out.println(new JsonObject().string("process", found.process()).string("greeting", found.greeting())
                    .string("format", found.format()).number("limit", String.valueOf(found.limit()))
                    .string("unknownType", found.unknownType()).string("halfClose", found.halfClose()));
        } else {
            out.println("process       " + found.process());
            out.println("greeting      " + found.greeting());
            out.println("format        " + found.format() + (found.format().equals("CLASSIC") ? ", or both" : ""));
            out.println("limit         " + (found.limit() < 0
                    ? "none found"
                    : found.limit() + " bytes with the header"));
            out.println("unknown type  " + found.unknownType());
            out.println("half-close    " + found.halfClose());
        }
        out.flush();
        return ExitCode.OK;
    }
}
