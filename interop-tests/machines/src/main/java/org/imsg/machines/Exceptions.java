package org.imsg.machines;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * The list of what the emulation of one machine cannot do. A line has {@code fails} or {@code out}, for a test that is run
 * and fails or for one that is not run; the machines, with commas, or {@code all}; the class, or class#method; and the reason.
 */
final class Exceptions {
    private final Map<String, String> fails = new HashMap<>();
    private final Set<String> out = new HashSet<>();

    private Exceptions() {}

    /** Lines of other machines, empty ones, and those that begin with a # are passed over. */
    static Exceptions read(Path list, String machine) throws IOException {
        Exceptions exceptions = new Exceptions();
        for (String line : Files.readAllLines(list)) {
            if (line.isBlank() || line.startsWith("#"))
                continue;
            String[] words = line.strip().split("\\s+", 4);
            if (words.length < 4)
                throw new IOException(list + ": a line has four parts, not: " + line);
            if (!words[1].equals("all") && !List.of(words[1].split(",")).contains(machine))
                continue;
            switch (words[0]) {
                case "fails" -> exceptions.fails.put(words[2], words[3]);
                case "out" -> exceptions.out.add(words[2]);
                default -> throw new IOException(list + ": a line begins with fails or out, not: " + line);
            }
        }
        return exceptions;
    }

    /** Whether a class, one within it, or a method is not run. */
    boolean leavesOut(String test) {
        return out.contains(test) || out.contains(test.replaceFirst("[#$].*", ""));
    }

    /** Why the test fails, if the list says that it does. */
    Optional<String> expects(String test) {
        return Optional.ofNullable(fails.get(test));
    }
}
