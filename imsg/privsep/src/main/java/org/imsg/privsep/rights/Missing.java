package org.imsg.privsep.rights;

import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import org.imsg.privsep.rights.Confinement.Parts;

/** What of a confinement a platform cannot enforce: the part's name, and why in words. */
final class Missing {
    private static final String PROMISES = "promises";
    static final String UNVEIL = "unveil";
    private static final String NAMESPACES = "namespaces";
    private static final String PRIVATE_ROOT = "private root";
    private static final String CHROOT = "chroot";
    static final String IDS = "ids";
    static final String BOUNDING = "bounding set";
    private static final String AMBIENT = "ambient capabilities";
    private static final String LINUX = "LINUX";

    private Missing() {}

    static Map<String, String> forSpawn(Parts parts, Platform platform) {
        Map<String, String> missing = new LinkedHashMap<>();
        if (!platform.system().equals(LINUX)) {
            askedFor(parts).forEach(part -> missing.put(part, part + ": " + platform.system()
                    + " lets no program be confined before it runs"));
            return missing;
        }
        kernel(missing, parts, platform);
        for (Namespace namespace : parts.namespaces())
            if (!platform.namespaces().contains(namespace))
                missing.put(NAMESPACES, NAMESPACES + ": this kernel has none of " + namespace);
        needs(missing, !parts.namespaces().isEmpty(), NAMESPACES, platform, Capability.SYS_ADMIN);
        needs(missing, parts.privateRoot() != null, PRIVATE_ROOT, platform, Capability.SYS_ADMIN);
        needs(missing, parts.chroot() != null, CHROOT, platform, Capability.SYS_CHROOT);
        if (parts.ids() != null && !isCurrent(parts.ids())) {
            needs(missing, true, IDS, platform, Capability.SETUID);
            needs(missing, true, IDS, platform, Capability.SETGID);
        }
        needs(missing, parts.bounding() != null, BOUNDING, platform, Capability.SETPCAP);
        for (Capability capability : parts.ambient())
            needs(missing, true, AMBIENT, platform, capability);
        if (missing.containsKey(NAMESPACES) && parts.privateRoot() != null)
            missing.putIfAbsent(PRIVATE_ROOT, PRIVATE_ROOT + ": it takes a mount namespace");
        return missing;
    }

    static Map<String, String> forEnter(Parts parts, Platform platform) {
        Map<String, String> missing = new LinkedHashMap<>();
        boolean pledge = platform.pledge();
        for (String part : askedFor(parts)) {
            if (part.equals(UNVEIL) && !pledge)
                missing.put(part,
                        "unveil: would bind one thread of this process, not the others; spawn binds a child as a whole");
            else if (!part.equals(UNVEIL) && !part.equals(PROMISES))
                missing.put(part,
                        part + ": cannot be given up by all threads of a running process; see spawn and PrivilegeDrop");
        }
        if (!pledge)
            kernel(missing, parts, platform);
        return missing;
    }

    /** What the parent could not do is not missing in the child: the proof finds it out. */
    static Map<String, String> forComplete(Parts parts, Platform platform) {
        Map<String, String> missing = new LinkedHashMap<>();
        if (!platform.pledge())
            kernel(missing, parts, platform);
        return missing;
    }

    private static void kernel(Map<String, String> missing, Parts parts, Platform platform) {
        if (parts.promises() != null && !platform.seccomp())
            missing.put(PROMISES, "promises: there is no seccomp filter for " + platform.system() + " on "
                    + platform.machine());
        if (parts.veils() && platform.landlock() == 0)
            missing.putIfAbsent(UNVEIL, "unveil: this kernel has no Landlock, or it is switched off");
    }

    private static void needs(Map<String, String> missing, boolean asked, String part, Platform platform,
            Capability capability) {
        if (asked && !platform.capabilities().contains(capability))
            missing.putIfAbsent(part, part + ": this process lacks CAP_" + capability);
    }

    /**
     * Whether there is nothing to change: an ordinary user may not even set the groups it has. Other effective and saved ids
     * than the real ones do not count: an exec under no_new_privs makes them the real ones.
     */
    static boolean isCurrent(Ids ids) {
        try {
            return Ids.current().meanTheSameAs(ids);
        } catch (IOException _) {
            return false;
        }
    }

    private static Set<String> askedFor(Parts parts) {
        Map<String, Boolean> asked = new LinkedHashMap<>();
        asked.put(PROMISES, parts.promises() != null);
        asked.put(UNVEIL, parts.veils());
        asked.put(NAMESPACES, !parts.namespaces().isEmpty());
        asked.put(PRIVATE_ROOT, parts.privateRoot() != null);
        asked.put(CHROOT, parts.chroot() != null);
        asked.put(IDS, parts.ids() != null);
        asked.put(BOUNDING, parts.bounding() != null);
        asked.put(AMBIENT, !parts.ambient().isEmpty());
        asked.values().removeIf(there -> !there);
        return asked.keySet();
    }

    /** The same description without the parts named. */
    static Parts without(Parts parts, Set<String> names) {
        return new Parts(names.contains(PROMISES) ? null : parts.promises(),
                names.contains(UNVEIL) ? Map.of() : parts.unveiled(),
                !names.contains(UNVEIL) && parts.unveiledJava(),
                names.contains(NAMESPACES) ? Set.of() : parts.namespaces(),
                names.contains(PRIVATE_ROOT) ? null : parts.privateRoot(),
                names.contains(CHROOT) ? null : parts.chroot(), names.contains(IDS) ? null : parts.ids(),
                names.contains(BOUNDING) ? null : parts.bounding(),
                names.contains(AMBIENT) || names.contains(IDS) ? Set.of() : parts.ambient(), parts.ifPossible());
    }
}
