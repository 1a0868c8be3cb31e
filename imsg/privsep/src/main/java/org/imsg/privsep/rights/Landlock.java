package org.imsg.privsep.rights;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Set;
import org.imsg.sys.LinuxSyscalls;
import org.imsg.sys.RawSyscall;

/**
 * Landlock's rights on paths and TCP ports, and its scopes: Linux's Documentation/userspace-api/landlock.rst and
 * include/uapi/linux/landlock.h. What a kernel does not know is not asked of it.
 */
final class Landlock {
    private static final long EXECUTE = 1;
    private static final long WRITE_FILE = 1 << 1;
    private static final long READ_FILE = 1 << 2;
    private static final long READ_DIR = 1 << 3;
    /** Remove directories and files, make devices, directories, files, sockets, pipes and symbolic links. */
    private static final long CHANGE = 0x1FF0;
    /** From version 2 on: move between directories. */
    private static final long REFER = 1 << 13;
    /** From version 3 on. */
    private static final long TRUNCATE = 1 << 14;
    /** From version 5 on: ioctl(2) on devices opened afterwards. */
    private static final long IOCTL_DEV = 1 << 15;

    /** From version 4 on. */
    private static final long BIND_TCP = 1;
    private static final long CONNECT_TCP = 1 << 1;
    /** From version 6 on: abstract Unix sockets and signals, of and to those outside. */
    private static final long SCOPES = 3;

    private static final int CREATE_RULESET_VERSION = 1;
    private static final int RULE_PATH_BENEATH = 1;
    static final int RULE_NET_PORT = 2;
    /** The first version that has them. */
    static final int TRUNCATES = 3;
    static final int PORTS = 4;
    static final int IOCTLS = 5;
    static final int SCOPED = 6;

    private Landlock() {}

    /** The version of the running kernel, or 0 if it has none. */
    static int version() {
        return Math.max(0, RawSyscall.call(LinuxSyscalls.host().number("landlock_create_ruleset"), 0, 0,
                CREATE_RULESET_VERSION));
    }

    /** All rights that version can refuse. */
    static long handled(int version) {
        return EXECUTE | WRITE_FILE | READ_FILE | READ_DIR | CHANGE | (version >= 2 ? REFER : 0)
                | (version >= TRUNCATES ? TRUNCATE : 0) | (version >= IOCTLS ? IOCTL_DEV : 0);
    }

    /** Rights as the kernel has them; some mean something on directories only, and are an error on a file. */
    static long rights(Set<Access> access, boolean directory, int version) {
        long rights = 0;
        if (access.contains(Access.READ))
            rights |= READ_FILE | (directory ? READ_DIR : 0);
        if (access.contains(Access.WRITE))
            rights |= WRITE_FILE | TRUNCATE | IOCTL_DEV;
        if (access.contains(Access.CREATE) && directory)
            rights |= CHANGE | REFER;
        if (access.contains(Access.EXEC))
            rights |= EXECUTE;
        return rights & handled(version);
    }

    /**
     * Makes a ruleset that refuses all but what is added to it, signals to and abstract sockets of others in any case; its
     * descriptor, which is close-on-exec, or the negative errno.
     */
    static int create(Arena arena, int version, boolean paths, boolean bind, boolean connect) {
        long ports = (bind ? BIND_TCP : 0) | (connect ? CONNECT_TCP : 0);
        long[] attributes = {paths ? handled(version) : 0, ports, SCOPES};
        MemorySegment struct = arena.allocateFrom(JAVA_LONG, attributes);
        return RawSyscall.call(LinuxSyscalls.host().number("landlock_create_ruleset"), struct.address(),
                version < PORTS ? 8 : version < SCOPED ? 16 : 24, 0);
    }

    /** A struct landlock_net_port_attr: a TCP port to be bound or to be connected to. */
    static MemorySegment portRule(Arena arena, int port, boolean bind) {
        return arena.allocateFrom(JAVA_LONG, bind ? BIND_TCP : CONNECT_TCP, port);
    }

    /** Allows rights beneath what a descriptor stands for. */
    static int allow(MemorySegment errno, MemorySegment rule, int ruleset, int path, long rights) {
        rule.set(JAVA_LONG, 0, rights);
        rule.set(JAVA_INT, 8, path);
        return RawSyscall.call(errno, LinuxSyscalls.host().number("landlock_add_rule"), ruleset, RULE_PATH_BENEATH,
                rule.address(), 0, 0, 0);
    }
}
