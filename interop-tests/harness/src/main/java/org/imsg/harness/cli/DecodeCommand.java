package org.imsg.harness.cli;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import org.imsg.harness.record.Event;
import org.imsg.harness.record.Recording;
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
    private Path save;

    @Mixin
    private Reading reading;

    @Mixin
    private Output output;

    @Override
    public Integer call() throws Exception {
        byte[] bytes = file.toString().equals("-") ? System.in.readAllBytes() : Files.readAllBytes(file);
        Recording recording = Recording.isRecording(bytes)
                ? Recording.read(bytes)
                : Recording.ofStream(bytes, reading.format, reading.limit());
        recording.events().forEach(output.witness(reading.protocol(), null));
        if (save != null)
            recording.write(save);
        boolean broken = recording.events().stream().anyMatch(
                event -> event.kind() == Event.Kind.BYTES && !event.note().isEmpty());
        return broken ? ExitCode.PROTOCOL : ExitCode.OK;
    }
}
