package org.imsg.privsep.rights;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;

/** The parts of a confinement that a platform cannot enforce: each one's name, and why in words. */
final class Unenforceable {
    private static final String PROMISES = "promises";
    static final String UNVEIL = "unveil";
    private static final String PORTS = "TCP ports";
    private static final String NAMESPACES = "namespaces";
    private static final String PRIVATE_ROOT = "private root";
    private static final String CHROOT = "chroot";
    static final String IDS = "ids";
    static final String BOUNDING = "bounding set";
    private static final String AMBIENT = "ambient capabilities";
    private static final String NICENESS = "niceness";
    private static final String LINUX = "LINUX";

    private Unenforceable() {}

    static Map<String, String> forSpawn(Restrictions wanted, Platform platform) {
        Map<String, String> reasons = new LinkedHashMap<>();
        if (!platform.system().equals(LINUX)) {
            askedFor(wanted).forEach(part -> reasons.put(part, part + ": " + platform.system()
                    + " lets no program be confined before it runs"));
            return reasons;
        }
        kernel(reasons, wanted, platform);
        if (wanted.namespaces.contains(Namespace.IPC) && !platform.seccomp())
            reasons.put(NAMESPACES, NAMESPACES + ": IPC takes a seccomp filter, which this kernel does not have");
        for (Namespace namespace : wanted.namespaces)
            if (!platform.namespaces().contains(namespace))
                reasons.put(NAMESPACES, NAMESPACES + ": this kernel has none of " + namespace);
        needs(reasons, !wanted.namespaces.isEmpty(), NAMESPACES, platform, Capability.SYS_ADMIN);
        needs(reasons, wanted.privateRoot != null, PRIVATE_ROOT, platform, Capability.SYS_ADMIN);
        needs(reasons, wanted.chroot != null, CHROOT, platform, Capability.SYS_CHROOT);
        if (wanted.ids != null && !wanted.ids.areOurs())
            ids(reasons, wanted, platform);
        needs(reasons, wanted.niceness < 0, NICENESS, platform, Capability.SYS_NICE);
        needs(reasons, wanted.bounding != null, BOUNDING, platform, Capability.SETPCAP);
        for (Capability capability : wanted.ambient)
            needs(reasons, true, AMBIENT, platform, capability);
        if (reasons.containsKey(NAMESPACES) && wanted.privateRoot != null)
            reasons.putIfAbsent(PRIVATE_ROOT, PRIVATE_ROOT + ": it takes a mount namespace");
        return reasons;
    }

    private static void ids(Map<String, String> reasons, Restrictions wanted, Platform platform) {
        needs(reasons, !wanted.ids.uidIsOurs(), IDS, platform, Capability.SETUID);
        needs(reasons, !wanted.ids.groupsAreOurs(), IDS, platform, Capability.SETGID);
        IdMaps.unmapped(wanted.ids, wanted.intermediate).ifPresent(why -> reasons.putIfAbsent(IDS, IDS + ": " + why));
        if (wanted.execKeepsUser(platform) || wanted.ids.uidIsOurs())
            return;
        String old = " under another user: before Linux 6.16 an exec takes ";
        if (!wanted.ambient.isEmpty())
            reasons.putIfAbsent(AMBIENT, AMBIENT + old + "them away");
        if (platform.capabilities().contains(Capability.SYS_ADMIN))
            return;
        old += "the user away if no_new_privs is set before it, and otherwise this process lacks CAP_SYS_ADMIN";
        if (wanted.veil())
            reasons.putIfAbsent(UNVEIL, UNVEIL + old);
        if (wanted.ports())
            reasons.putIfAbsent(PORTS, PORTS + old);
        if (wanted.promises != null)
            reasons.putIfAbsent(PROMISES, PROMISES + old);
    }

    static Map<String, String> forEnter(Restrictions wanted, Platform platform) {
        Map<String, String> reasons = new LinkedHashMap<>();
        boolean pledge = platform.pledge();
        for (String part : askedFor(wanted)) {
            if (part.equals(UNVEIL) && !pledge)
                reasons.put(part,
                        "unveil: would bind one thread of this process, not the others; spawn binds a child as a whole");
            else if (!part.equals(UNVEIL) && !part.equals(PROMISES))
                reasons.put(part,
                        part + ": cannot be given up by all threads of a running process; see spawn and PrivilegeDrop");
        }
        if (!pledge)
            kernel(reasons, wanted, platform);
        return reasons;
    }

    /** As the child sees it: the proof finds out what the parent could not do. */
    static Map<String, String> forComplete(Restrictions wanted, Platform platform) {
        Map<String, String> reasons = new LinkedHashMap<>();
        if (!platform.pledge())
            kernel(reasons, wanted, platform);
        return reasons;
    }

    private static void kernel(Map<String, String> reasons, Restrictions wanted, Platform platform) {
        if (wanted.promises != null && !platform.seccomp())
            reasons.put(PROMISES, "promises: there is no seccomp filter for " + platform.system() + " on "
                    + platform.machine());
        if (wanted.veil() && platform.landlock() == 0)
            reasons.putIfAbsent(UNVEIL, "unveil: this kernel has no Landlock, or it is switched off");
        if (wanted.ports() && platform.landlock() < Landlock.PORTS)
            reasons.putIfAbsent(PORTS, PORTS + ": this kernel's Landlock is version " + platform.landlock()
                    + ", which has no ports; they take version " + Landlock.PORTS);
    }

    private static void needs(Map<String, String> reasons, boolean asked, String part, Platform platform,
            Capability capability) {
        if (asked && !platform.capabilities().contains(capability))
            reasons.putIfAbsent(part, part + ": this process lacks CAP_" + capability);
    }

    private static Set<String> askedFor(Restrictions wanted) {
        Map<String, Boolean> asked = new LinkedHashMap<>();
        asked.put(PROMISES, wanted.promises != null);
        asked.put(UNVEIL, wanted.veil());
        asked.put(PORTS, wanted.ports());
        asked.put(NAMESPACES, !wanted.namespaces.isEmpty());
        asked.put(PRIVATE_ROOT, wanted.privateRoot != null);
        asked.put(CHROOT, wanted.chroot != null);
        asked.put(IDS, wanted.ids != null);
        asked.put(BOUNDING, wanted.bounding != null);
        asked.put(NICENESS, wanted.niceness != 0);
        asked.put(AMBIENT, !wanted.ambient.isEmpty());
        asked.values().removeIf(there -> !there);
        return asked.keySet();
    }

    /** The same restrictions without the parts named. */
    static Restrictions without(Restrictions wanted, Set<String> names) {
        return wanted.with(left -> {
            for (String name : names) {
                switch (name) {
                    case PROMISES -> left.promises = null;
                    case UNVEIL -> {
                        left.unveiled = Map.of();
                        left.unveiledJava = false;
                    }
                    case PORTS -> {
                        left.bindPorts = null;
                        left.connectPorts = null;
                    }
                    case NAMESPACES -> left.namespaces = Set.of();
                    case PRIVATE_ROOT -> left.privateRoot = null;
                    case CHROOT -> left.chroot = null;
                    case IDS -> {
                        left.ids = null;
                        left.ambient = Set.of();
                    }
                    case BOUNDING -> left.bounding = null;
                    case AMBIENT -> left.ambient = Set.of();
                    case NICENESS -> left.niceness = 0;
                    default -> throw new IllegalArgumentException(name);
                }
            }
        });
    }
}
