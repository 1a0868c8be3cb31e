package org.imsg.harness.cli;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.function.Consumer;
import org.imsg.harness.page.EventPage;
import org.imsg.harness.record.Event;
import org.imsg.harness.record.Recorder;
import org.jspecify.annotations.Nullable;

/** The files that events are kept in. A failure to write is an UncheckedIOException. */
final class KeptEvents implements Consumer<Event>, AutoCloseable {
    private final @Nullable Recorder recorder;
    private final @Nullable EventPage page;
    private final boolean atOnce;

    /** Opens a file. */
    @FunctionalInterface
    interface Opening<T> {
        T open() throws IOException;
    }

    private KeptEvents(@Nullable Recorder recorder, @Nullable EventPage page, boolean atOnce) {
        this.recorder = recorder;
        this.page = page;
        this.atOnce = atOnce;
    }

    /** Opens what there is to open; each event is given to the system at once, or when many have come. */
    static KeptEvents open(@Nullable Opening<Recorder> recording, @Nullable Opening<EventPage> page, boolean atOnce)
            throws IOException {
        Recorder recorder = recording == null ? null : recording.open();
        try {
            return new KeptEvents(recorder, page == null ? null : page.open(), atOnce);
        } catch (IOException e) {
            try (recorder) {
                throw e;
            }
        }
    }

    @Override
    public void accept(Event event) {
        try {
            if (recorder != null)
                recorder.add(event);
            if (page != null)
                page.add(event);
            if (atOnce)
                flush();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void flush() throws IOException {
        if (recorder != null)
            recorder.flush();
        if (page != null)
            page.flush();
    }

    /** Tells in the page that what is shown is not all. */
    void complain(long nanos, String fault) throws IOException {
        if (page != null)
            page.addFault(nanos, fault);
    }

    @Override
    public void close() throws IOException {
        try (recorder; page) {
            // closes both
        }
    }
}
