package org.imsg.privsep.rights;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** A thread's rights by its status in /proc. */
final class Status {
    private static final List<String> CAPABILITIES = List.of("CapInh", "CapPrm", "CapEff", "CapAmb");

    private Status() {}

    /** The status of a thread that is as described. */
    static Map<String, String> of(Restrictions restrictions) {
        Map<String, String> status = new HashMap<>(Map.of("NoNewPrivs", "1", "Seccomp", "2", "CapBnd", "0"));
        CAPABILITIES.forEach(name -> status.put(name, "0"));
        Ids ids = restrictions.ids;
        if (ids != null)
            status.putAll(Map.of("Uid", four(ids.uid()), "Gid", four(ids.gid()), "Groups",
                    ids.groups().stream().map(String::valueOf).collect(Collectors.joining(" "))));
        return status;
    }

    /** Real, effective, saved, and that of the file system. */
    private static String four(long id) {
        return (id + " ").repeat(4).strip();
    }

    /** The first thing of a confined child's thread that is not as described, in words; or null. */
    static @Nullable String differenceFrom(Restrictions restrictions, Map<String, String> status) {
        if (!words(status, "NoNewPrivs").equals("1"))
            return "has NoNewPrivs " + words(status, "NoNewPrivs") + " instead of 1";
        if (restrictions.promises != null && !words(status, "Seccomp").equals("2"))
            return "has Seccomp " + words(status, "Seccomp") + " instead of 2";
        String bounding = restrictions.bounding == null ? null : boundDifferently(restrictions.bounding, status);
        if (bounding != null)
            return bounding;
        return restrictions.ids == null ? null : differenceFrom(restrictions.ids, restrictions.ambient, status);
    }

    /** The capabilities a thread could still get against the bounding set, in words; or null. */
    static @Nullable String boundDifferently(Set<Capability> bounding, Map<String, String> status) {
        return more("CapBnd", bounding, status);
    }

    /**
     * The first thing of a thread's ids and capabilities that should be otherwise after a drop.
     *
     * @return in words, or null if all is well
     */
    static @Nullable String differenceFrom(Ids ids, Set<Capability> allowed, Map<String, String> status) {
        if (!four(ids.uid()).equals(words(status, "Uid")))
            return "has Uid " + words(status, "Uid") + " instead of " + four(ids.uid());
        if (!four(ids.gid()).equals(words(status, "Gid")))
            return "has Gid " + words(status, "Gid") + " instead of " + four(ids.gid());
        List<Long> groups = Stream.of(words(status, "Groups").split(" ")).filter(word -> !word.isEmpty())
                .map(Long::valueOf).sorted().distinct().toList();
        if (!new Ids(ids.uid(), ids.gid(), groups).meanTheSameAs(ids))
            return "has Groups " + groups + " instead of " + ids.groups();
        if (ids.isRoot())
            return null;
        for (String name : CAPABILITIES) {
            String more = more(name, allowed, status);
            if (more != null)
                return more;
        }
        return null;
    }

    /** A thread's set of capabilities that has others than the allowed ones, in words; or null. */
    private static @Nullable String more(String name, Set<Capability> allowed, Map<String, String> status) {
        long has = Long.parseUnsignedLong(words(status, name), 16);
        return (has & ~Capability.mask(allowed)) == 0
                ? null
                : "has " + name + " " + Capability.text(has) + " instead of " + allowed;
    }

    private static String words(Map<String, String> status, String name) {
        return status.getOrDefault(name, "").replaceAll("\\s+", " ");
    }
}
