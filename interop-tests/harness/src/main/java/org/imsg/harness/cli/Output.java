package org.imsg.harness.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.function.Consumer;
import java.util.function.Function;
import org.imsg.harness.describe.EventJson;
import org.imsg.harness.describe.EventPrinter;
import org.imsg.harness.describe.ProtocolDescription;
import org.imsg.harness.record.Event;
import org.imsg.harness.record.UnwritableFileException;
import org.imsg.unix.Fd;
import org.imsg.unix.Lifeline;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** The options that say how events are shown and kept, and the showing. */
final class Output {
    private enum Colour {
        AUTO, ALWAYS, NEVER
    }

    private volatile boolean readerGone;

    @Spec(Spec.Target.MIXEE)
    CommandSpec spec;

    @Option(names = "--json", description = "An object a line, for programs.")
    boolean json;

    @Option(names = "--colour", defaultValue = "AUTO", description = "${COMPLETION-CANDIDATES}; AUTO colours on a terminal, unless NO_COLOR is set and not empty.")
    private Colour colour;

    @Option(names = "--rows", paramLabel = "N", defaultValue = "16", converter = Numbers.Count.class, description = "Rows of 16 bytes shown of a payload (default: ${DEFAULT-VALUE}).")
    private int rows;

    PrintWriter out() {
        return spec.commandLine().getOut();
    }

    boolean coloured() {
        return switch (colour) {
            case ALWAYS -> true;
            case NEVER -> false;
            case AUTO -> Terminal.OUT.isOne() && System.getenv().getOrDefault("NO_COLOR", "").isEmpty();
        };
    }

    /** Progress, for people at a terminal; at most one line in so many nanoseconds. */
    Progress progress(long interval) {
        return new Progress(spec.commandLine().getErr(), !json && Terminal.ERR.isOne(), interval);
    }

    /** Prints every event it is given, and keeps it if there are files to keep it in. */
    Consumer<Event> witness(ProtocolDescription protocol, @Nullable KeptEvents kept) {
        return witness(protocol, kept, new Progress(spec.commandLine().getErr(), false, 0), _ -> "");
    }

    /** Prints every event it is given, keeps it if there are files to keep it in, and shows how far that is. For one thread. */
    Consumer<Event> witness(ProtocolDescription protocol, @Nullable KeptEvents kept, Progress progress,
            Function<Progress, String> line) {
        EventPrinter printer = new EventPrinter(protocol, coloured(), rows);
        EventJson objects = new EventJson(protocol);
        if (!json)
            out().println(printer.heading());
        out().flush();
        return event -> {
            progress.count(event);
            progress.erase();
            out().println(json ? objects.text(event) : printer.text(event));
            out().flush();
            if (kept != null)
                kept.accept(event);
            progress.show(line.apply(progress));
        };
    }

    /** Ends the work when the standard output is a pipe or socket whose reader has gone. */
    void endWithReader(Runnable work) {
        if (!(out() instanceof CheckedOutput checked && checked.isOfProcess() && Terminal.OUT.isPipe()))
            return;
        Thread.ofPlatform().daemon().name("imsg-reader").start(() -> {
            Fd borrowed = Fd.of(1);
            try (Fd out = borrowed.dup()) {
                borrowed.release();
                Lifeline.awaitHangUp(out);
                readerGone = true;
                work.run();
            } catch (IOException _) {
                // then the next thing that is written tells
            }
        });
    }

    /**
     * Does work that keeps nothing which it would have to complete. When the reader of the standard output has gone, it is left
     * where it is, since the program ends then.
     */
    int whileRead(Callable<Integer> work) throws Exception {
        FutureTask<Integer> task = new FutureTask<>(work);
        Thread.ofPlatform().daemon().name("imsg-work").start(task);
        endWithReader(() -> task.cancel(false));
        try {
            return task.get();
        } catch (CancellationException e) {
            checkReader();
            throw e;
        } catch (ExecutionException e) {
            throw e.getCause() instanceof Exception failure ? failure : e;
        }
    }

    /** Whether what is shown is still read, as far as is known. */
    boolean hasReader() {
        return !readerGone;
    }

    /**
     * Throws if the reader of the standard output has gone.
     *
     * @throws IOException in that case
     */
    void checkReader() throws IOException {
        if (readerGone)
            throw new IOException("the standard output cannot be written: its reader has gone");
    }

    /** Refuses to write a file over another that is read, or written as well. */
    static void refuseSame(String option, @Nullable Path written, @Nullable Path... others) throws IOException {
        for (Path other : others)
            if (written != null && other != null && (written.toAbsolutePath().equals(other.toAbsolutePath())
                    || Files.isRegularFile(written) && Files.exists(other) && Files.isSameFile(written, other)))
                throw new IllegalArgumentException(
                        option + ": " + written + " is a file that is used already; name another");
    }

    /** Writes a file, whose kind and name are in the message of a failure. */
    static void write(String kind, Path file, byte[] bytes) throws IOException {
        try {
            Files.write(file, bytes);
        } catch (IOException e) {
            throw new UnwritableFileException(kind, file, e);
        }
    }

    /** Refuses a file that could not be written when the work is done. */
    static void checkWritable(Path file, String option) throws IOException {
        Path there = Files.exists(file) ? file : file.toAbsolutePath().getParent();
        if (Files.isDirectory(file) || there == null || !Files.isWritable(there))
            throw new IOException(file + " cannot be written (" + option + "): "
                    + (Files.isDirectory(file)
                            ? "it is a directory"
                            : "name a file in a directory that you can write"));
    }
}
