package org.imsg.sys;

import static org.imsg.sys.Calls.call;

import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/** Signals that cannot reach a process that took over the number: pidfd_open(2) of Linux 5.3, by system call number. */
public final class Pidfd {
    private Pidfd() {}

    /** {@code long syscall(SYS_pidfd_open, pid_t, unsigned int)}; the descriptor is close-on-exec. */
    public static int pidfd_open(MemorySegment errno, int pid) {
        return call(Open.HANDLE, errno, Abi.host().value("SYS_pidfd_open"), pid, 0);
    }

    /** {@code long syscall(SYS_pidfd_send_signal, int, int, siginfo_t *, unsigned int)}. */
    public static int pidfd_send_signal(MemorySegment errno, int pidfd, int signal) {
        return call(Send.HANDLE, errno, Abi.host().value("SYS_pidfd_send_signal"), pidfd, signal, 0, 0);
    }

    private static final class Open {
        static final MethodHandle HANDLE = Calls.bindVariadic("syscall", 1, 3);
    }

    private static final class Send {
        static final MethodHandle HANDLE = Calls.bindVariadic("syscall", 1, 5);
    }
}
