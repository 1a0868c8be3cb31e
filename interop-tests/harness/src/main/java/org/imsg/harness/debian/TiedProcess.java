package org.imsg.harness.debian;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;

/**
 * Starts programs that do not outlive this JVM, even if it is killed with SIGKILL: the kernel then kills them too.
 * It does so when the thread that started them ends, so one thread that never ends starts them all.
 */
final class TiedProcess {
    /** The JVM may have died before the request to be killed with it was made: then the parent is another by now. */
    private static final String STILL_OURS = "[ \"$PPID\" = \"$0\" ] || exit 75; exec \"$@\"";
    private static final ExecutorService STARTER = Executors
            .newSingleThreadExecutor(Thread.ofPlatform().daemon().name("peer-starter").factory());

    private TiedProcess() {}

    /**
     * Starts {@code command} with the streams and the environment of {@code settings}, whose own command is replaced.
     * The process keeps its id when it becomes the command.
     */
    static Process start(ProcessBuilder settings, List<String> command) throws IOException, InterruptedException {
        List<String> guarded = new ArrayList<>(List.of("setpriv", "--pdeathsig", "KILL", "sh", "-c", STILL_OURS,
                Long.toString(ProcessHandle.current().pid())));
        guarded.addAll(command);
        settings.command(guarded);
        try {
            return STARTER.submit(settings::start).get();
        } catch (ExecutionException e) {
            Throwable cause = Objects.requireNonNull(e.getCause());
            throw new IOException("cannot start " + command.getFirst() + ": " + cause.getMessage(), cause);
        }
    }

    /**
     * Runs {@code command} to its end and returns what it wrote; kills it when this thread is interrupted.
     *
     * @param directory where its output goes meanwhile
     * @throws IOException if it cannot be started, or has not ended in time and was killed
     */
    static ChrootOutcome run(ProcessBuilder settings, List<String> command, Path directory, Duration limit)
            throws IOException, InterruptedException {
        Path output = Files.createTempFile(directory, "run-", ".out");
        Path errors = Files.createTempFile(directory, "run-", ".err");
        try {
            Process process = start(settings.redirectOutput(output.toFile()).redirectError(errors.toFile()), command);
            boolean ended = false;
            try {
                ended = process.waitFor(limit.toMillis(), TimeUnit.MILLISECONDS);
            } finally {
                if (!ended) {
                    process.destroyForcibly().waitFor();
                }
            }
            if (!ended) {
                throw new IOException(command.getLast() + " has not ended in " + limit.toSeconds()
                        + " s and was killed:\n" + Files.readString(errors));
            }
            return new ChrootOutcome(process.exitValue(), Files.readString(output), Files.readString(errors));
        } finally {
            Files.delete(output);
            Files.delete(errors);
        }
    }
}
