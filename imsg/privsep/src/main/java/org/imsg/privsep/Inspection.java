package org.imsg.privsep;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import org.imsg.privsep.rights.Confinement;
import org.jspecify.annotations.Nullable;

/** The processes of a program as it knows them and as the kernel shows them, for those who ask at its control socket. */
final class Inspection {
    private static final int ANSWER_SECONDS = 10;
    /** So many differences of a process fit into a message. */
    private static final int LISTED = 20;

    private final Consumer<CompletableFuture<List<Seen>>> look;

    /** Has the supervising thread complete what it is given. */
    Inspection(Consumer<CompletableFuture<List<Seen>>> look) {
        this.look = look;
    }

    /** A process at a moment, as the supervising thread has seen it. */
    record Seen(String name, String role, int instance, String state, long starts, long seconds, boolean runs,
            @Nullable ChildProcess process) {
        private Map<String, String> entry() {
            Map<String, String> entry = new LinkedHashMap<>();
            entry.put("name", name);
            entry.put("role", role);
            entry.put("state", state);
            entry.put("starts", Long.toString(starts));
            if (process != null)
                entry.put("uptime", Long.toString(seconds));
            return entry;
        }

        private ChildStatus status() {
            return process == null
                    ? new ChildStatus(role, instance, state, starts, 0, Duration.ZERO, null, 0)
                    : new ChildStatus(role, instance, state, starts, process.pid(), Duration.ofNanos(process.age()),
                            process.counters(), process.refusals());
        }
    }

    List<ChildStatus> children() throws IOException, InterruptedException {
        return seen().stream().map(Seen::status).toList();
    }

    List<Map<String, String>> status(String program, boolean stopping, long uptime)
            throws IOException, InterruptedException {
        int pid = (int) ProcessHandle.current().pid();
        Map<String, String> parent = new LinkedHashMap<>(Map.of("name", "parent", "role", program));
        parent.put("state", stopping ? "stopping" : "running");
        parent.put("pid", Integer.toString(pid));
        parent.put("uptime", Long.toString(TimeUnit.NANOSECONDS.toSeconds(uptime)));
        parent.putAll(ChildFigures.of(pid));
        parent.put("landlock", Integer.toString(Confinement.query().landlock()));
        List<Map<String, String>> entries = new ArrayList<>(List.of(parent));
        for (Seen each : seen()) {
            Map<String, String> entry = each.entry();
            if (each.process != null)
                entry.putAll(each.process.figures());
            entries.add(entry);
        }
        return entries;
    }

    /** Only processes that run are held against anything: the others have not given up what they will, or are gone. */
    List<Map<String, String>> verify() throws IOException, InterruptedException {
        List<Map<String, String>> entries = new ArrayList<>();
        for (Seen each : seen()) {
            Map<String, String> entry = each.entry();
            entry.remove("starts");
            if (each.process != null && each.runs)
                verify(each.process, entry);
            entries.add(entry);
        }
        return entries;
    }

    private static void verify(ChildProcess process, Map<String, String> entry) {
        try {
            List<String> differences = process.differences();
            entry.put("differences", Integer.toString(differences.size()));
            for (int i = 0; i < Math.min(differences.size(), LISTED); i++)
                entry.put("difference-" + (i + 1), differences.get(i));
        } catch (IOException | RuntimeException e) {
            entry.put("unseen", Printable.line(e));
        }
    }

    private List<Seen> seen() throws IOException, InterruptedException {
        CompletableFuture<List<Seen>> all = new CompletableFuture<>();
        look.accept(all);
        try {
            return all.get(ANSWER_SECONDS, TimeUnit.SECONDS);
        } catch (ExecutionException | TimeoutException e) {
            throw new IOException("the supervising thread has not answered", e);
        }
    }
}
