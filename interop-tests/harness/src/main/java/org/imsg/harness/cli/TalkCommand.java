package org.imsg.harness.cli;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.imsg.harness.describe.TextFile;
import org.imsg.harness.record.Conversation;
import org.imsg.harness.record.Direction;
import org.imsg.harness.record.Event;
import org.imsg.harness.scripted.Talk;
import org.imsg.harness.stream.RawSocket;
import org.imsg.unix.Child;
import org.imsg.unix.Fd;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;

@Command(name = "talk", mixinStandardHelpOptions = true, description = {
        "Talks by a script with a daemon, or with a program that has its socket at descriptor 3.",
        "A message that the script does not expect ends it with exit code 1. The grammar: imsg help script."}, footer = {
                "%nExample:%n", "  printf 'on 13\\nsend 13\\nexpect 1 within=5s\\n' >script",
                "  imsg talk /run/openbgpd/bgpd.sock.0 --script script",
                "  imsg talk --script script --exec /usr/libexec/got-read-blob"})
final class TalkCommand implements Callable<Integer> {
    @Parameters(arity = "0..1", paramLabel = "SOCKET", description = "The daemon's socket; none with --exec.")
    private @Nullable Path socket;

    @Option(names = "--script", required = true, paramLabel = "FILE", description = "What to say and to expect.")
    private Path script;

    @Option(names = "--exec", arity = "1..*", paramLabel = "PROGRAM", description = "A program to start, and its arguments; its descriptor 3 is the other end.")
    private List<String> program = List.of();

    @Option(names = "--wait", defaultValue = "5s", paramLabel = "TIME", description = "How long an expected message may take, unless the script says (default: ${DEFAULT-VALUE}).")
    private Duration wait;

    @Mixin
    private Keeping keeping;

    @Mixin
    private Reading reading;

    @Mixin
    private Output output;

    @Override
    public Integer call() throws Exception {
        if ((socket == null) == program.isEmpty())
            throw new ParameterException(output.spec.commandLine(), "either SOCKET or --exec PROGRAM names the peer");
        int limit = reading.limit();
        keeping.check(script, reading.description);
        Direction sending = socket == null ? Direction.TO_CLIENT : Direction.TO_SERVER;
        Talk talk;
        try {
            talk = Talk.parse(TextFile.read(Reading.file(script), TextFile.SCRIPT_LINE), reading.protocol(), sending);
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException(script + ": " + e.getMessage(), e);
        }
        if (socket != null)
            SocketPath.check(socket);
        try (RawSocket daemon = socket == null ? null : RawSocket.connect(socket);
                KeptEvents kept = keeping.open("talk by " + script, reading.protocol())) {
            Consumer<Event> witness = output.witness(reading.protocol(), kept);
            if (daemon != null)
                talk(talk, daemon, sending, limit, witness);
            else
                withProgram(talk, limit, witness);
        }
        return ExitCode.OK;
    }

    private void talk(Talk talk, RawSocket peer, Direction sending, int limit, Consumer<Event> witness)
            throws IOException, InterruptedException {
        try (Conversation conversation = new Conversation(peer, sending, reading.format, limit, witness)) {
            output.endWithReader(peer::close);
            talk.with(conversation, wait);
        } finally {
            output.checkReader();
        }
    }

    /** The program ends when its socket is closed, or is killed: at once when what it says is not read any more. */
    private void withProgram(Talk talk, int limit, Consumer<Event> witness) throws IOException, InterruptedException {
        try (Fd.Pair pair = Fd.socketpair()) {
            long origin = System.nanoTime();
            Child child = Child.of(found(program.getFirst()), program.subList(1, program.size()).toArray(String[]::new))
                    .descriptor(3, pair.second()).start();
            pair.second().close();
            try {
                talk(talk, RawSocket.of(pair.first()), Direction.TO_CLIENT, limit, witness);
            } finally {
                Optional<Child.ExitStatus> status = output.hasReader() ? child.waitFor(wait) : Optional.empty();
                if (status.isEmpty())
                    child.kill(9);
                Child.ExitStatus ended = status.isEmpty() ? child.waitFor() : status.get();
                if (!ended.success() && output.hasReader())
                    witness.accept(Event.note(System.nanoTime() - origin, 1, "the program ended with " + ended));
            }
        }
    }

    /** As a shell finds it. */
    private static Path found(String name) throws IOException {
        Stream<Path> places = name.contains("/")
                ? Stream.of(Path.of(name))
                : Arrays.stream(System.getenv().getOrDefault("PATH", "").split(File.pathSeparator))
                        .map(directory -> Path.of(directory, name));
        return places.filter(Files::isExecutable).findFirst().map(Path::toAbsolutePath)
                .orElseThrow(() -> new IOException(name + " is no program that can be started (--exec)"));
    }
}
