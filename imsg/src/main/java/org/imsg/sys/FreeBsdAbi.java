package org.imsg.sys;

/** FreeBSD 12 and newer on 64-bit machines. Compiled and compared with a recorded table; not run here. */
final class FreeBsdAbi {
    static final String OWN = """
            POSIX_SPAWN_SETSIGDEF 0x10  POSIX_SPAWN_SETSIGMASK 0x20  POSIX_SPAWN_SETPGROUP 2  P_PID 0  WEXITED 16  WNOWAIT 8
            AF_INET6 28
            SOCK_CLOEXEC 0x10000000  SOCK_NONBLOCK 0x20000000  MSG_NOSIGNAL 0x20000  MSG_CMSG_CLOEXEC 0x40000
            SO_DOMAIN 0x1019         LOCAL_PEERCRED 1
            F_DUPFD_CLOEXEC 17       O_CLOEXEC 0x100000        O_DIRECTORY 0x20000
            kevent:size 64           kevent.ident:offset 0     kevent.filter:offset 8  kevent.flags:offset 10
            kevent.fflags:offset 12  kevent.data:offset 16     kevent.udata:offset 24
            stat:size 224            stat.st_dev:offset 0      stat.st_dev:width 8  stat.st_ino:offset 8
            stat.st_mode:offset 24   stat.st_mode:width 2
            EOPNOTSUPP 45  EOVERFLOW 84  EBADMSG 89  EPROTO 92
            """;

    private FreeBsdAbi() {}
}
