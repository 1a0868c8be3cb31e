package org.imsg.harness.cli;

import java.io.IOException;
import java.nio.file.Path;
import org.imsg.harness.describe.ProtocolDescription;
import org.imsg.harness.page.EventPage;
import org.imsg.harness.record.Recorder;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The options that say where the events of a conversation are kept. */
final class Keeping {
    @Option(names = "--record", paramLabel = "FILE", description = "Writes a recording: pcapng if it ends with .pcapng, text otherwise.")
    private @Nullable Path record;

    @Option(names = "--html", paramLabel = "FILE", description = "Writes a page for a browser, and keeps it up to date.")
    private @Nullable Path html;

    /** Refuses to write over files that are read. */
    void check(@Nullable Path... read) throws IOException {
        Output.refuseSame("--record", record, read);
        Output.refuseSame("--html", html, read);
        Output.refuseSame("--html", html, record);
    }

    /** Opens the files, each event in them as soon as it is told. */
    KeptEvents open(String title, ProtocolDescription protocol) throws IOException {
        return KeptEvents.open(record == null ? null : () -> Recorder.to(record),
                html == null ? null : () -> EventPage.live(html, title, protocol), true);
    }
}
