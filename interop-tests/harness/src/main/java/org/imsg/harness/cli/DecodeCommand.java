package org.imsg.harness.cli;

import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import java.util.function.Consumer;
import org.imsg.harness.record.Event;
import org.imsg.harness.record.EventReader;
import org.imsg.harness.record.Recorder;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(name = "decode", mixinStandardHelpOptions = true, description = "Shows what is in a recording, a pcapng file, or bytes saved from a socket.", footer = {
        "%nExample:%n", "  imsg decode session.pcapng --describe bgpd.structs",
        "  socat -u UNIX-CONNECT:daemon.sock - | imsg decode -"})
final class DecodeCommand implements Callable<Integer> {
    @Parameters(paramLabel = "FILE", description = "The file; - is the standard input.")
    private Path file;

    @Option(names = "--save", paramLabel = "FILE", description = "Writes the events to a recording as well: pcapng if it ends with .pcapng.")
    private @Nullable Path save;

    @Mixin
    private Reading reading;

    @Mixin
    private Output output;

    @Override
    public Integer call() throws Exception {
        boolean broken = false;
        Consumer<Event> shown = output.witness(reading.protocol(), null);
        try (InputStream in = file.toString().equals("-") ? System.in : Files.newInputStream(file)) {
            EventReader events = EventReader.of(in, reading.format, reading.limit());
            Event event = events.next();
            try (Recorder recorder = save == null ? null : Recorder.to(save, events.start())) {
                for (; event != null; event = events.next()) {
                    shown.accept(event);
                    if (recorder != null)
                        recorder.add(event);
                    broken |= event.kind() == Event.Kind.BYTES && !event.note().isEmpty();
                }
            }
        }
        return broken ? ExitCode.PROTOCOL : ExitCode.OK;
    }
}
