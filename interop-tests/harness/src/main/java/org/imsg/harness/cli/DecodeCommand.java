package org.imsg.harness.cli;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import java.util.function.Consumer;
import org.imsg.harness.describe.ProtocolDescription;
import org.imsg.harness.page.EventPage;
import org.imsg.harness.record.Event;
import org.imsg.harness.record.EventReader;
import org.imsg.harness.record.Recorder;
import org.imsg.harness.stream.StandardInput;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(name = "decode", mixinStandardHelpOptions = true, description = "Shows what is in a recording, a pcapng file, or bytes saved from a socket.", footer = {
        "%nExample:%n", "  imsg decode session.pcapng --describe bgpd.structs --html session.html",
        "  socat -u UNIX-CONNECT:daemon.sock - | imsg decode -"})
final class DecodeCommand implements Callable<Integer> {
    @Parameters(paramLabel = "FILE", description = "The file; - is the standard input.")
    private Path file;

    @Option(names = "--save", paramLabel = "FILE", description = "Writes the events to a recording as well: pcapng if it ends with .pcapng.")
    private @Nullable Path save;

    @Option(names = "--html", paramLabel = "FILE", description = "Writes a page for a browser as well: a diagram of what passed, in one file.")
    private @Nullable Path html;

    @Mixin
    private Reading reading;

    @Mixin
    private Output output;

    @Override
    public Integer call() throws Exception {
        Output.refuseSame("--save", save, file, reading.description);
        Output.refuseSame("--html", html, file, reading.description, save);
        ProtocolDescription protocol = reading.protocol();
        int limit = reading.limit();
        try (InputStream in = file.toString().equals("-")
                ? new StandardInput()
                : Files.newInputStream(Reading.file(file));
                KeptEvents page = KeptEvents.open(null,
                        html == null ? null : () -> EventPage.to(html, file.toString(), protocol), false)) {
            output.endWithReader(() -> close(in));
            return decode(in, limit, page, output.witness(protocol, page));
        }
    }

    private static void close(InputStream in) {
        try {
            in.close();
        } catch (IOException _) {
            // then the next thing that is written tells
        }
    }

    private int decode(InputStream in, int limit, KeptEvents page, Consumer<Event> shown) throws IOException {
        boolean broken = false;
        long last = 0;
        try {
            EventReader events = EventReader.of(in, reading.format, limit);
            Event event = events.next();
            try (Recorder recorder = save == null ? null : Recorder.to(save, events.start())) {
                for (; event != null; event = events.next()) {
                    shown.accept(event);
                    if (recorder != null)
                        recorder.add(event);
                    last = event.nanos();
                    broken |= event.kind() == Event.Kind.BYTES && !event.note().isEmpty();
                }
            }
        } catch (IOException e) {
            output.checkReader();
            page.complain(last, String.valueOf(e.getMessage()));
            throw e;
        }
        return broken ? ExitCode.PROTOCOL : ExitCode.OK;
    }
}
