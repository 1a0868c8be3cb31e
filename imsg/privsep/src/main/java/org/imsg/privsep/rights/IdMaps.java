package org.imsg.privsep.rights;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/** Which ids this process's user namespace has: user_namespaces(7). The first has all of them; a container's often few. */
final class IdMaps {
    private static final Path PROC = Path.of("/proc/self");

    private IdMaps() {}

    /** Why a thread cannot become the user by way of an intermediate one, in words; empty if nothing is in the way. */
    static Optional<String> unmapped(Ids ids, long intermediate) {
        if (!isMapped("uid_map", ids.uid()))
            return Optional.of("uid " + ids.uid() + " is not mapped in this user namespace");
        for (long gid : Stream.concat(Stream.of(ids.gid()), ids.groups().stream()).toList())
            if (!isMapped("gid_map", gid))
                return Optional.of("gid " + gid + " is not mapped in this user namespace");
        if (!isMapped("uid_map", intermediate))
            return Optional.of("uid " + intermediate + ", which the starting thread takes meanwhile, is not mapped"
                    + " in this user namespace: name another with intermediate(uid)");
        if (lines("setgroups").equals(List.of("deny")))
            return Optional.of("setgroups is denied in this user namespace");
        return Optional.empty();
    }

    /** A line is the first id inside, the first outside, and how many. No file, no namespaces. */
    private static boolean isMapped(String map, long id) {
        List<String> ranges = lines(map);
        return ranges.isEmpty() || ranges.stream().map(range -> range.strip().split("\\s+"))
                .anyMatch(range -> id >= Long.parseLong(range[0])
                        && id - Long.parseLong(range[0]) < Long.parseLong(range[2]));
    }

    private static List<String> lines(String file) {
        try {
            return Files.readAllLines(PROC.resolve(file));
        } catch (IOException _) {
            return List.of();
        }
    }
}
