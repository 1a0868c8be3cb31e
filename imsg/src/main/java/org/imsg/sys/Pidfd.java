package org.imsg.sys;

import java.lang.foreign.MemorySegment;

/** Signals that cannot reach a process that took over the number: pidfd_open(2) of Linux 5.3. */
public final class Pidfd {
    private Pidfd() {}

    /** {@code int pidfd_open(pid_t, unsigned int)}; the descriptor is close-on-exec. */
    public static int pidfd_open(MemorySegment errno, int pid) {
        return RawSyscall.call(errno, LinuxSyscalls.host().number("pidfd_open"), pid, 0, 0);
    }

    /** {@code int pidfd_send_signal(int, int, siginfo_t *, unsigned int)}. */
    public static int pidfd_send_signal(MemorySegment errno, int pidfd, int signal) {
        return RawSyscall.call(errno, LinuxSyscalls.host().number("pidfd_send_signal"), pidfd, signal, 0, 0, 0, 0);
    }
}
