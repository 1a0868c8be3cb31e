package org.imsg.privsep.rights;

import java.util.Collection;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.function.IntPredicate;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** The pieces Linux cuts root's rights into: capabilities(7), without the prefix CAP_, in the kernel's order. */
public enum Capability {
    /** To change owners. */
    CHOWN,
    /** To read and write whatever the permission bits say. */
    DAC_OVERRIDE,
    /** To read files and search directories whatever the permission bits say. */
    DAC_READ_SEARCH,
    /** For what only a file's owner may do. */
    FOWNER,
    /** To keep set-id bits when a file is changed. */
    FSETID,
    /** To signal any process. */
    KILL,
    /** To become any group. */
    SETGID,
    /** To become any user. */
    SETUID,
    /** To change capabilities and the bounding set. */
    SETPCAP,
    /** To set the immutable and append-only flags. */
    LINUX_IMMUTABLE,
    /** To bind ports below 1024. */
    NET_BIND_SERVICE,
    /** To broadcast and multicast. */
    NET_BROADCAST,
    /** To configure the network. */
    NET_ADMIN,
    /** For raw and packet sockets. */
    NET_RAW,
    /** To lock memory. */
    IPC_LOCK,
    /** For System V IPC whatever the permission bits say. */
    IPC_OWNER,
    /** To load kernel modules. */
    SYS_MODULE,
    /** For input and output ports. */
    SYS_RAWIO,
    /** For chroot. */
    SYS_CHROOT,
    /** To trace any process. */
    SYS_PTRACE,
    /** For process accounting. */
    SYS_PACCT,
    /** For mounts, namespaces and much else. */
    SYS_ADMIN,
    /** To reboot. */
    SYS_BOOT,
    /** To raise priorities. */
    SYS_NICE,
    /** To go beyond resource limits. */
    SYS_RESOURCE,
    /** To set the clock. */
    SYS_TIME,
    /** To configure terminals. */
    SYS_TTY_CONFIG,
    /** To make device files. */
    MKNOD,
    /** For leases on any file. */
    LEASE,
    /** To write to the audit log. */
    AUDIT_WRITE,
    /** To configure auditing. */
    AUDIT_CONTROL,
    /** To give files capabilities. */
    SETFCAP,
    /** To override mandatory access control. */
    MAC_OVERRIDE,
    /** To configure mandatory access control. */
    MAC_ADMIN,
    /** To read the kernel's log. */
    SYSLOG,
    /** To wake the machine. */
    WAKE_ALARM,
    /** To keep the machine awake. */
    BLOCK_SUSPEND,
    /** To read the audit log. */
    AUDIT_READ,
    /** For performance monitoring. */
    PERFMON,
    /** For BPF programs. */
    BPF,
    /** For checkpoint and restore processes. */
    CHECKPOINT_RESTORE;

    /** The kernel's number. */
    int number() {
        return ordinal();
    }

    /** A set as the kernel shows and takes it: one bit a capability. */
    static long mask(Collection<Capability> capabilities) {
        long mask = 0;
        for (Capability capability : capabilities)
            mask |= 1L << capability.number();
        return mask;
    }

    /** Whether the running kernel has the capability with this number: an older one refuses to be asked about newer ones. */
    static boolean isKnownToKernel(int number) {
        return Confining.prctl(Confining.PR_CAPBSET_READ, number) >= 0;
    }

    /** The numbers of all capabilities but these, those too that are newer than this class. */
    static List<Integer> numbersBut(Set<Capability> capabilities, IntPredicate isKnown) {
        long mask = mask(capabilities);
        return IntStream.range(0, Long.SIZE).takeWhile(isKnown).filter(number -> (mask >>> number & 1) == 0).boxed()
                .toList();
    }

    /** Such a set in words: one newer than this class is a number. */
    static String text(long mask) {
        return IntStream.range(0, Long.SIZE).filter(number -> (mask >>> number & 1) != 0)
                .mapToObj(number -> number < values().length ? values()[number].name() : Integer.toString(number))
                .collect(Collectors.joining(", ", "[", "]"));
    }

    /** The known ones in such a set. */
    static Set<Capability> of(long mask) {
        Set<Capability> capabilities = EnumSet.noneOf(Capability.class);
        for (Capability capability : values())
            if ((mask >>> capability.number() & 1) != 0)
                capabilities.add(capability);
        return capabilities;
    }
}
