package org.imsg.privsep.rights;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Set;
import org.imsg.sys.Constants;
import org.imsg.sys.LinuxSyscalls;
import org.imsg.sys.Os;
import org.imsg.sys.Posix;
import org.imsg.sys.RawSyscall;
import org.imsg.unix.Errno;

/**
 * A signal to every process of a user at once: kill(2) of -1. The kernel lets no process fork while it goes through them,
 * so that none gets away, however fast they start others and end themselves. Killing one after the other can be outrun.
 *
 * <p>Linux only. Thread-safe; waits for a confined child that is being started. Needs CAP_SETUID, and no CAP_KILL.
 */
public final class Broadcast {
    /** 4294967295 means "leave it as it is" to setresuid, and then every process would be killed. */
    private static final long LARGEST = 0xFFFF_FFFEL;
    private static final int SIGKILL = 9;

    private Broadcast() {}

    /**
     * Kills every process that has the user as its real or saved uid, in this PID namespace, but for this process. When this
     * returns they are doomed, and have not all ended yet.
     *
     * <p>It takes a thread of this process that may signal the user's processes, and that they may not signal: the kernel lets
     * a thread signal those whose real or saved uid is its effective or real one. So the thread has the user as its effective
     * uid, and as its real and saved one a user without a process that could be hit, or hit back.
     *
     * @param uid the user, 1 to 4294967294
     * @param unused another user, 1 to 4294967294, without a process: any it has would be killed too
     * @throws IllegalArgumentException if a uid is out of range, or both are the same
     * @throws PrivilegeException at the step {@code setresuid} if this process lacks the right to become the users, or
     *     they are not mapped in its user namespace; nothing was killed
     * @throws UnsupportedOperationException on other systems than Linux
     */
    public static void kill(long uid, long unused) throws PrivilegeException {
        check(uid);
        check(unused);
        if (uid == unused)
            throw new IllegalArgumentException("uid " + uid + " cannot be killed and spared at once");
        if (Os.current() != Os.LINUX)
            throw new UnsupportedOperationException(
                    "one thread with the rights of another user is possible on Linux only");
        int result;
        try (Arena arena = Arena.ofShared()) {
            List<Step> steps = List.of(Step.Call.of("setresuid", uid, unused, uid, unused),
                    // A thread that was not root keeps its capabilities, and with CAP_KILL would reach every process.
                    Step.Call.of("capset", Set.of(), Confining.capabilityHeader(arena).address(),
                            Confining.capabilityData(arena, 0).address()));
            result = ConfinedSpawn.run(steps, () -> kill(Posix.errnoSegment(arena), (int) uid));
        }
        if (result < 0 && result != -Errno.number("ESRCH"))
            throw new PrivilegeException("kill", "-1 as uid " + uid, -result);
    }

    private static int kill(MemorySegment errno, int uid) {
        LinuxSyscalls calls = LinuxSyscalls.host();
        // The steps say so already; but what comes next would be the end of the machine.
        if (RawSyscall.call(errno, calls.number("geteuid"), 0, 0, 0) != uid)
            return -Constants.EPERM;
        return RawSyscall.call(errno, calls.number("kill"), -1, SIGKILL, 0);
    }

    private static void check(long uid) {
        if (uid < 1 || uid > LARGEST)
            throw new IllegalArgumentException("a user to be killed is 1 to " + LARGEST + ", not " + uid);
    }
}
