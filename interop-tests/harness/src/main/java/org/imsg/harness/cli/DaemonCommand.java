package org.imsg.harness.cli;

import java.io.EOFException;
import java.io.IOException;
import java.net.SocketTimeoutException;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import org.imsg.ImsgEofException;
import org.imsg.ImsgProtocolException;
import org.imsg.TruncatedMessageException;
import org.imsg.cstruct.MalformedStructException;
import org.imsg.harness.describe.Words;
import org.imsg.peers.MalformedAnswerException;
import org.imsg.peers.bgpd.BgpdRefusedException;
import org.imsg.peers.smtpd.SmtpdRefusedException;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** What the commands for known daemons share: socket, version, the showing, and what becomes of a refusal. */
abstract class DaemonCommand implements Callable<Integer> {
    @Spec
    CommandSpec spec;

    @Parameters(index = "0", paramLabel = "SOCKET", description = "The daemon's socket.")
    Path socket;

    @Option(names = "--version", required = true, paramLabel = "VERSION", description = "Which version the daemon is, which it does not tell: structs and numbers depend on it.")
    String version;

    @Option(names = "--json", description = "An object a line, for programs.")
    boolean json;

    @Option(names = {"-h", "--help"}, usageHelp = true, description = "Show this help message and exit.")
    boolean help;

    /** A question to the daemon, asked once the command line is known to be right. */
    @FunctionalInterface
    interface DaemonRequest {
        /** {@return an exit code} */
        int make() throws IOException;
    }

    /**
     * Reads the command line.
     *
     * @throws ParameterException if it is wrong
     * @throws IllegalArgumentException if it is wrong
     */
    abstract DaemonRequest request() throws IOException;

    @Override
    public final Integer call() throws IOException {
        SocketPath.check(socket);
        DaemonRequest request = request();
        try {
            int code = request.make();
            spec.commandLine().getOut().flush();
            return code;
        } catch (ImsgProtocolException | ImsgEofException e) {
            throw new ProtocolFault(e.getMessage());
        } catch (BgpdRefusedException | SmtpdRefusedException | SocketTimeoutException | EOFException e) {
            spec.commandLine().getOut().flush();
            spec.commandLine().getErr().println("imsg: " + Words.visible(String.valueOf(e.getMessage())));
            return ExitCode.DIFFERENT;
        } catch (MalformedAnswerException | MalformedStructException | TruncatedMessageException
                | IllegalArgumentException e) {
            throw new ProtocolFault("an answer that version " + version + " does not give: "
                    + e.getMessage());
        }
    }

    Rows rows(String... headings) {
        return new Rows(spec.commandLine().getOut(), json, headings);
    }

    ParameterException unknown(String action, List<String> known) {
        return new ParameterException(spec.commandLine(), action + " is none of " + String.join(", ", known));
    }

    void expect(String action, List<String> arguments, int least, int most) {
        if (arguments.size() < least || arguments.size() > most)
            throw new ParameterException(spec.commandLine(), action + " with " + arguments.size() + " arguments: "
                    + (most == Integer.MAX_VALUE
                            ? "at least " + least
                            : least == most ? "takes " + least : "takes " + least + " to " + most));
    }
}
