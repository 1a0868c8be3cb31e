package org.imsg.sys;

/** OpenBSD on 64-bit machines. Compiled and compared with a recorded table; not run here. */
final class OpenBsdAbi {
    static final String OWN = """
            POSIX_SPAWN_SETSIGDEF 0x10  POSIX_SPAWN_SETSIGMASK 0x20  POSIX_SPAWN_SETPGROUP 2  P_PID 2  WEXITED 4  WNOWAIT 16
            AF_INET6 24
            SOCK_CLOEXEC 0x8000    SOCK_NONBLOCK 0x4000  MSG_NOSIGNAL 0x400  MSG_CMSG_CLOEXEC 0x800
            SO_PEERCRED 0x1022     SO_DOMAIN 0x1024
            F_DUPFD_CLOEXEC 10     O_CLOEXEC 0x10000     O_DIRECTORY 0x20000
            kevent:size 32         kevent.ident:offset 0 kevent.filter:offset 8  kevent.flags:offset 10
            kevent.fflags:offset 12 kevent.data:offset 16 kevent.udata:offset 24
            stat:size 128          stat.st_mode:offset 0 stat.st_mode:width 4  stat.st_dev:offset 4  stat.st_dev:width 4
            stat.st_ino:offset 8
            EOPNOTSUPP 45  EOVERFLOW 87  EBADMSG 92  EPROTO 95
            """;

    private OpenBsdAbi() {}
}
