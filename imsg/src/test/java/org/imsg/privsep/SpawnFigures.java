package org.imsg.privsep;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import org.imsg.Imsg;

/**
 * Prints how long a child takes from its start until it runs, and how much memory it then has, over some runs in one parent.
 * With {@code -Dimsg.privsep.aot=FILE} its children use that cache, with {@code -Dimsg.privsep.aot.record=FILE} one run makes it:
 * from a jar, for the cache takes no directories.
 */
public final class SpawnFigures {
    private static final int HERE = 1;

    private SpawnFigures() {}

    public static void main(String... arguments) throws Exception {
        int runs = arguments.length == 0 ? 20 : Integer.parseInt(arguments[0]);
        boolean confined = arguments.length > 1 && arguments[1].equals("confined");
        List<Long> millis = new ArrayList<>();
        List<Long> resident = new ArrayList<>();
        List<Long> proportional = new ArrayList<>();
        for (int run = 0; run < runs; run++) {
            long start = System.nanoTime();
            Privsep.program("figures").role("child", () -> self -> self.parent().send(Imsg.of(HERE)),
                    r -> confined ? r.user("nobody").pledge() : r)
                    .parent(() -> self -> self.on(HERE, (_, _) -> {
                        millis.add((System.nanoTime() - start) / 1_000_000);
                        long child = ProcessHandle.current().children().findFirst().orElseThrow().pid();
                        resident.add(kilobytes(child, "Rss:"));
                        proportional.add(kilobytes(child, "Pss:"));
                        self.stop();
                    })).run(arguments);
        }
        // The first runs load the parent's own classes.
        System.out.printf("%s, %s: start to running %d ms, resident %d MB, its share %d MB (medians of %d)%n",
                confined ? "confined" : "not confined",
                System.getProperty("imsg.privsep.aot") == null ? "no cache" : "AOT cache", median(millis),
                median(resident) / 1024, median(proportional) / 1024, runs);
    }

    private static long kilobytes(long pid, String field) throws IOException {
        String line = Files.readAllLines(Path.of("/proc/" + pid + "/smaps_rollup")).stream()
                .filter(text -> text.startsWith(field)).collect(Collectors.joining());
        return Long.parseLong(line.replaceAll("\\D+", ""));
    }

    private static long median(List<Long> values) {
        return values.stream().sorted().toList().get(values.size() / 2);
    }
}
