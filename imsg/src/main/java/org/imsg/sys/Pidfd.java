package org.imsg.sys;

/** Signals that cannot reach a process that took over the number: pidfd_open(2) of Linux 5.3. */
public final class Pidfd {
    private Pidfd() {}

    /** {@code int pidfd_open(pid_t, unsigned int)}; the descriptor is close-on-exec. */
    public static int pidfd_open(int pid) {
        return RawSyscall.call(LinuxSyscalls.host().number("pidfd_open"), pid);
    }

    /** {@code int pidfd_send_signal(int, int, siginfo_t *, unsigned int)}. */
    public static int pidfd_send_signal(int pidfd, int signal) {
        return RawSyscall.call(LinuxSyscalls.host().number("pidfd_send_signal"), pidfd, signal);
    }
}
