package org.imsg.sys;

/**
 * macOS: no SOCK_CLOEXEC, no MSG_NOSIGNAL, no MSG_CMSG_CLOEXEC, and control data aligned to 4. Compiled and compared with a
 * recorded table; not run here.
 */
final class MacosAbi {
    static final String OWN = """
            cmsg:align 4
            POSIX_SPAWN_SETSIGDEF 4  POSIX_SPAWN_SETSIGMASK 8  POSIX_SPAWN_SETPGROUP 2  POSIX_SPAWN_SETSID 0x400  P_PID 1  WEXITED 4  WNOWAIT 0x20
            AF_INET6 30
            SO_NOSIGPIPE 0x1022      LOCAL_PEERCRED 1
            F_DUPFD_CLOEXEC 67       O_CLOEXEC 0x1000000       O_DIRECTORY 0x100000
            kevent:size 32           kevent.ident:offset 0     kevent.filter:offset 8  kevent.flags:offset 10
            kevent.fflags:offset 12  kevent.data:offset 16     kevent.udata:offset 24
            stat:size 144            stat.st_dev:offset 0      stat.st_dev:width 4  stat.st_mode:offset 4
            stat.st_mode:width 2     stat.st_ino:offset 8
            EOPNOTSUPP 102  EOVERFLOW 84  EBADMSG 94  EPROTO 100
            """;

    private MacosAbi() {}
}
