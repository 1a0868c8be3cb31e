package org.imsg.privsep.ops;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Stream;

/**
 * The resource limits of a program, set by prlimit(1) before it begins: a limit set from outside would come too late for a
 * program that starts others at once.
 */
record ProgramLimits(Map<Limit, Long> most) {
    static final Path PRLIMIT = Path.of("/usr/bin/prlimit");
    private static final long UNLIMITED = Long.MAX_VALUE;
    private static final Path OWN = Path.of("/proc/self/limits");
    private static final String UNITS = "KMGT";

    /** A limit with its name in /proc/self/limits and its usual value. */
    private enum Limit {
        CPU("Max cpu time", 600), NOFILE("Max open files", 1024), NPROC("Max processes", 256), FSIZE("Max file size",
                2L << 30), CORE("Max core file size", 0), MEMLOCK("Max locked memory",
                        8L << 20), DATA("Max data size", UNLIMITED);

        private final String own;
        private final long usual;

        Limit(String own, long usual) {
            this.own = own;
            this.usual = usual;
        }

        private String word() {
            return name().toLowerCase(Locale.ROOT);
        }

        private String option() {
            return word() + "=";
        }
    }

    /** The options of a line that set a limit. */
    static List<String> options() {
        return Stream.of(Limit.values()).map(Limit::option).toList();
    }

    static ProgramLimits of(PolicyLine line) {
        Map<Limit, Long> most = new EnumMap<>(Limit.class);
        for (Limit limit : Limit.values())
            most.put(limit, line.option(limit.option()).map(ProgramLimits::parse).orElse(limit.usual));
        return new ProgramLimits(most);
    }

    /** Reads a number, with K, M, G or T for powers of 1024, or unlimited. */
    private static long parse(String text) {
        if (text.equals("unlimited"))
            return UNLIMITED;
        if (!text.matches("[0-9]{1,9}[" + UNITS + "]?"))
            throw new IllegalArgumentException("expected a number such as 256 or 2G, or unlimited, not " + text);
        int unit = UNITS.indexOf(text.charAt(text.length() - 1)) + 1;
        return Long.parseLong(unit == 0 ? text : text.substring(0, text.length() - 1)) << 10 * unit;
    }

    /** The command that executes a program under the limits; none is higher than this process's own. */
    List<String> command() throws IOException {
        List<String> own = Files.readAllLines(OWN);
        List<String> words = new ArrayList<>(List.of(PRLIMIT.toString()));
        most.forEach((limit, value) -> {
            long least = Math.min(value, hard(own, limit));
            if (least != UNLIMITED)
                words.add("--" + limit.word() + "=" + least);
        });
        if (words.size() == 1)
            return List.of();
        if (!Files.isExecutable(PRLIMIT))
            throw new IOException(PRLIMIT + ", of util-linux, is not there to start a program with limits");
        return words;
    }

    private static long hard(List<String> own, Limit limit) {
        String[] columns = own.stream().filter(line -> line.startsWith(limit.own + " ")).findFirst()
                .map(line -> line.substring(limit.own.length()).strip().split("\\s+")).orElse(new String[0]);
        return columns.length < 2 || columns[1].equals("unlimited") ? UNLIMITED : Long.parseLong(columns[1]);
    }
}
