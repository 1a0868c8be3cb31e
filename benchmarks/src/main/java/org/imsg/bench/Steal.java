package org.imsg.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;

/**
 * How much of the processors' time a virtual machine's host has given to others, as /proc/stat counts it.
 *
 * @param stolen clock ticks taken away, of all processors
 * @param all clock ticks in all
 */
record Steal(long stolen, long all) {
    private static final Path STAT = Path.of("/proc/stat");
    /** user, nice, system, idle, iowait, irq, softirq; then steal. The columns after it are contained in user and nice. */
    private static final int STEAL_AT = 8;

    static Steal now() throws IOException {
        try {
            return of(Files.readAllLines(STAT));
        } catch (NoSuchFileException _) {
            return new Steal(0, 0);
        }
    }

    static Steal of(List<String> stat) {
        String[] words = stat.getFirst().strip().split(" +");
        long all = 0;
        for (int i = 1; i <= STEAL_AT && i < words.length; i++)
            all += Long.parseLong(words[i]);
        return new Steal(words.length > STEAL_AT ? Long.parseLong(words[STEAL_AT]) : 0, all);
    }

    /** The part of the time since then that was taken away, 0 to 1. */
    double since(Steal before) {
        return all == before.all ? 0 : (double) (stolen - before.stolen) / (all - before.all);
    }
}
