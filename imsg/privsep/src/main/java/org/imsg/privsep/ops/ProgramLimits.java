package org.imsg.privsep.ops;

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
    private static final long UNLIMITED = -1;
    private static final List<String> TOGETHER = List.of("memory.max=", "pids.max=", "cpu.max=");
    private static final Map<Resource, Long> USUAL = Map.of(Resource.CPU, 600L, Resource.NOFILE, 1024L, Resource.NPROC,
            256L, Resource.FSIZE, 2L << 30, Resource.CORE, 0L, Resource.MEMLOCK, 8L << 20);

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
            most.put(resource, line.option(option(resource)).map(Resource::parse)
                    .orElse(USUAL.getOrDefault(resource, UNLIMITED)));
        GroupLimits together = GroupLimits.none();
        for (String option : TOGETHER)
            if (line.has(option))
                together = together.read(option.substring(0, option.length() - 1),
                        line.option(option).orElseThrow());
        return new ProgramLimits(most, together);
    }

    /** Adds the limits to a confinement; none is higher than this process's own. */
    Confinement in(Confinement confinement) {
        Confinement limited = confinement;
        for (Map.Entry<Resource, Long> each : most.entrySet()) {
            long least = each.getKey().bounded(each.getValue());
            if (least != UNLIMITED)
                limited = limited.limit(each.getKey(), least);
        }
        return limited;
    }
}
