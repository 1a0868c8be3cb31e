package org.imsg.privsep.ops;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Stream;
import org.imsg.privsep.rights.Confinement;
import org.imsg.privsep.rights.GroupLimits;
import org.imsg.privsep.rights.Resource;

/**
 * The resource limits of a program: those of its line, and safe ones for the resources that the line does not name; and those of
 * its control group.
 */
record ProgramLimits(Map<Resource, Long> most, GroupLimits together) {
    private static final long UNLIMITED = Long.MAX_VALUE;
    private static final Path OWN = Path.of("/proc/self/limits");
    private static final List<String> TOGETHER = List.of("memory.max=", "pids.max=", "cpu.max=");
    private static final String UNITS = "KMGT";
    private static final Map<Resource, Long> USUAL = Map.of(Resource.CPU, 600L, Resource.NOFILE, 1024L, Resource.NPROC,
            256L, Resource.FSIZE, 2L << 30, Resource.CORE, 0L, Resource.MEMLOCK, 8L << 20);
    /** Their names in /proc/self/limits. */
    private static final Map<Resource, String> NAMES = Map.of(Resource.CPU, "Max cpu time", Resource.NOFILE,
            "Max open files", Resource.NPROC, "Max processes", Resource.FSIZE, "Max file size", Resource.CORE,
            "Max core file size", Resource.MEMLOCK, "Max locked memory", Resource.DATA, "Max data size");

    /** The options of a line that set a limit. */
    static List<String> options() {
        return Stream.concat(Stream.of(Resource.values()).map(ProgramLimits::option), TOGETHER.stream()).toList();
    }

    private static String option(Resource resource) {
        return resource.name().toLowerCase(Locale.ROOT) + "=";
    }

    static ProgramLimits of(PolicyLine line) {
        Map<Resource, Long> most = new EnumMap<>(Resource.class);
        for (Resource resource : Resource.values())
            most.put(resource, line.option(option(resource)).map(ProgramLimits::parse)
                    .orElse(USUAL.getOrDefault(resource, UNLIMITED)));
        GroupLimits together = GroupLimits.none();
        for (String option : TOGETHER)
            if (line.has(option))
                together = together.read(option.substring(0, option.length() - 1),
                        line.option(option).orElseThrow(), ProgramLimits::parse);
        return new ProgramLimits(most, together);
    }

    /** Reads a number, with K, M, G or T for powers of 1024, or unlimited. */
    private static long parse(String text) {
        if (text.equals("unlimited"))
            return UNLIMITED;
        if (!text.matches("[0-9]{1,9}[" + UNITS + "]?"))
            throw new IllegalArgumentException("expected a number such as 256 or 2G, or unlimited, not " + text);
        int unit = UNITS.indexOf(text.charAt(text.length() - 1)) + 1;
        long number = Long.parseLong(unit == 0 ? text : text.substring(0, text.length() - 1));
        if (number > UNLIMITED >> 10 * unit)
            throw new IllegalArgumentException("expected at most " + UNLIMITED + ", not " + text);
        return number << 10 * unit;
    }

    /** Adds the limits to a confinement; none is higher than this process's own. */
    Confinement in(Confinement confinement) throws IOException {
        List<String> own = Files.readAllLines(OWN);
        Confinement limited = confinement;
        for (Map.Entry<Resource, Long> each : most.entrySet()) {
            long least = Math.min(each.getValue(), own(own, NAMES.get(each.getKey())));
            if (least != UNLIMITED)
                limited = limited.limit(each.getKey(), least);
        }
        return limited;
    }

    private static long own(List<String> limits, String name) {
        String[] columns = limits.stream().filter(line -> line.startsWith(name + " ")).findFirst()
                .map(line -> line.substring(name.length()).strip().split("\\s+")).orElse(new String[0]);
        return columns.length < 2 || columns[1].equals("unlimited") ? UNLIMITED : Long.parseLong(columns[1]);
    }
}
