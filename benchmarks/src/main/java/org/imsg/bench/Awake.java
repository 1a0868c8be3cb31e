package org.imsg.bench;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * A program on each processor that runs only when nothing else wants it, so that none goes to sleep while contenders are measured.
 * Waking one takes a virtual machine's host up to some hundred microseconds, now more and now less, which is nobody's merit or
 * fault.
 */
final class Awake implements AutoCloseable {
    private final List<WorkerProcess> spinning = new ArrayList<>();

    /** Starts them, where processes can be bound to processors. */
    Awake(Path programs, Pinning pinning) throws IOException {
        if (pinning.taskset().isEmpty())
            return;
        String program = programs.resolve("bench-awake").toString();
        try {
            for (int processor : pinning.processors())
                spinning.add(new WorkerProcess(pinning.bind(processor, List.of(program)), null));
        } catch (IOException e) {
            try (this) {
                throw e;
            }
        }
    }

    @Override
    public void close() throws IOException {
        IOException failure = null;
        for (WorkerProcess process : spinning) {
            try {
                process.close();
            } catch (IOException e) {
                failure = e;
            }
        }
        if (failure != null)
            throw failure;
    }

    @Override
    public String toString() {
        return spinning.isEmpty()
                ? "processors may sleep"
                : "processors kept awake by a process of lowest priority each";
    }
}
