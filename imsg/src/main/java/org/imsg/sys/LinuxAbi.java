package org.imsg.sys;

/** Linux: the same for all machines but for what stands in the tables named after them. */
final class LinuxAbi {
    private static final String COMMON = """
            msghdr:size 56
            msghdr.msg_name:offset 0      msghdr.msg_namelen:offset 8    msghdr.msg_namelen:width 4
            msghdr.msg_iov:offset 16      msghdr.msg_iovlen:offset 24    msghdr.msg_iovlen:width 8
            msghdr.msg_control:offset 32  msghdr.msg_controllen:offset 40 msghdr.msg_controllen:width 8
            msghdr.msg_flags:offset 48
            cmsghdr:size 16               cmsghdr.cmsg_len:offset 0      cmsghdr.cmsg_len:width 8
            cmsghdr.cmsg_level:offset 8   cmsghdr.cmsg_type:offset 12    cmsg:align 8
            iovec:size 16                 iovec.iov_base:offset 0        iovec.iov_len:offset 8
            sockaddr_un:size 110          sockaddr_un.sun_family:offset 0 sockaddr_un.sun_family:width 2
            sockaddr_un.sun_path:offset 2 sockaddr_un.sun_path:width 108
            pollfd:size 8                 pollfd.fd:offset 0
            pollfd.events:offset 4        pollfd.revents:offset 6
            ucred:size 12                 ucred.pid:offset 0  ucred.uid:offset 4  ucred.gid:offset 8
            passwd.pw_uid:offset 16       passwd.pw_gid:offset 20
            RLIMIT_CPU 0  RLIMIT_FSIZE 1  RLIMIT_DATA 2  RLIMIT_CORE 4  RLIMIT_NPROC 6  RLIMIT_NOFILE 7  RLIMIT_MEMLOCK 8
            POSIX_SPAWN_SETSIGDEF 4  POSIX_SPAWN_SETSIGMASK 8  POSIX_SPAWN_SETPGROUP 2  POSIX_SPAWN_SETSID 0x80
            P_PID 1  WEXITED 4  WNOWAIT 0x1000000
            AF_UNIX 1        AF_INET 2       AF_INET6 10
            SOCK_STREAM 1    SOCK_DGRAM 2    SOCK_SEQPACKET 5  SOCK_CLOEXEC 0x80000  SOCK_NONBLOCK 0x800
            SOL_SOCKET 1     SO_TYPE 3       SO_ERROR 4        SO_SNDBUF 7  SO_RCVBUF 8
            SO_PEERCRED 17   SO_ACCEPTCONN 30  SO_DOMAIN 39    SCM_RIGHTS 1
            MSG_PEEK 2       MSG_CTRUNC 8    MSG_TRUNC 0x20    MSG_DONTWAIT 0x40
            MSG_NOSIGNAL 0x4000              MSG_CMSG_CLOEXEC 0x40000000
            SHUT_RD 0        SHUT_WR 1       SHUT_RDWR 2
            POLLIN 1         POLLOUT 4       POLLERR 8         POLLHUP 0x10  POLLNVAL 0x20
            F_GETFD 1        F_SETFD 2       F_GETFL 3         F_SETFL 4     F_DUPFD_CLOEXEC 1030  FD_CLOEXEC 1
            LOCK_EX 2        LOCK_NB 4
            O_RDONLY 0       O_WRONLY 1      O_RDWR 2          O_ACCMODE 3   O_CREAT 0x40  O_EXCL 0x80
            O_TRUNC 0x200    O_APPEND 0x400  O_NONBLOCK 0x800  O_CLOEXEC 0x80000  O_PATH 0x200000
            EPOLLIN 1        EPOLLOUT 4      EPOLLERR 8        EPOLLHUP 0x10 EPOLLONESHOT 0x40000000
            EPOLL_CTL_ADD 1  EPOLL_CTL_DEL 2 EPOLL_CTL_MOD 3   EPOLL_CLOEXEC 0x80000
            S_IFMT 0xF000    S_IFSOCK 0xC000 S_IFREG 0x8000    S_IFCHR 0x2000  S_IFDIR 0x4000  S_IFIFO 0x1000
            """;

    private static final String X86_64 = """
            O_DIRECTORY 0x10000  O_NOFOLLOW 0x20000
            epoll_event:size 12  epoll_event.events:offset 0  epoll_event.data:offset 4
            stat:size 144  stat.st_dev:offset 0  stat.st_dev:width 8  stat.st_ino:offset 8
            stat.st_mode:offset 24  stat.st_mode:width 4
            """;

    private static final String AARCH64 = """
            O_DIRECTORY 0x4000   O_NOFOLLOW 0x8000
            epoll_event:size 16  epoll_event.events:offset 0  epoll_event.data:offset 8
            stat:size 128  stat.st_dev:offset 0  stat.st_dev:width 8  stat.st_ino:offset 8
            stat.st_mode:offset 16  stat.st_mode:width 4
            """;

    /**
     * What asm-generic has for every machine that does not say otherwise, such as riscv64, s390x and loongarch64; those of the
     * first two are held against their C compilers. epoll_event is packed on x86_64 only. struct stat differs from machine to
     * machine: without it /proc tells what fstat(2) would.
     */
    private static final String GENERIC = """
            O_DIRECTORY 0x10000  O_NOFOLLOW 0x20000
            epoll_event:size 16  epoll_event.events:offset 0  epoll_event.data:offset 8
            """;

    private static final String PPC64 = """
            O_DIRECTORY 0x4000   O_NOFOLLOW 0x8000  SO_PEERCRED 21
            """;

    private static final String ERRNO = """
            EPERM 1   ENOENT 2   ESRCH 3    EINTR 4    EIO 5     ENXIO 6     E2BIG 7    ENOEXEC 8  EBADF 9   ECHILD 10
            EAGAIN 11 ENOMEM 12  EACCES 13  EFAULT 14  EBUSY 16  EEXIST 17   EXDEV 18   ENODEV 19  ENOTDIR 20
            EISDIR 21 EINVAL 22  ENFILE 23  EMFILE 24  ENOTTY 25 ETXTBSY 26  EFBIG 27   ENOSPC 28  ESPIPE 29
            EROFS 30  EMLINK 31  EPIPE 32   ERANGE 34  EDEADLK 35 ENAMETOOLONG 36 ENOLCK 37 ENOSYS 38 ENOTEMPTY 39
            ELOOP 40  EPROTO 71  EBADMSG 74 EOVERFLOW 75 ENOTSOCK 88 EDESTADDRREQ 89 EMSGSIZE 90 EPROTOTYPE 91
            ENOPROTOOPT 92 EPROTONOSUPPORT 93 EOPNOTSUPP 95 EAFNOSUPPORT 97 EADDRINUSE 98 EADDRNOTAVAIL 99
            ENETDOWN 100 ENETUNREACH 101 ECONNABORTED 103 ECONNRESET 104 ENOBUFS 105 EISCONN 106 ENOTCONN 107
            ESHUTDOWN 108 ETOOMANYREFS 109 ETIMEDOUT 110 ECONNREFUSED 111 EHOSTDOWN 112 EHOSTUNREACH 113 EALREADY 114
            EINPROGRESS 115 ESTALE 116 EDQUOT 122
            """;

    private LinuxAbi() {}

    /** Later tables override earlier ones. */
    static String[] tables(String arch) {
        return switch (arch) {
            case "amd64", "x86_64" -> new String[]{COMMON, ERRNO, OperationsAbi.LINUX, X86_64,
                    OperationsAbi.LINUX_X86_64};
            case "aarch64" -> new String[]{COMMON, ERRNO, OperationsAbi.LINUX, AARCH64, OperationsAbi.LINUX_AARCH64};
            case "ppc64", "ppc64le" -> new String[]{COMMON, ERRNO, OperationsAbi.LINUX, GENERIC, PPC64};
            default -> {
                if (arch.matches("(mips|sparc|alpha|parisc|hppa).*"))
                    throw new UnsupportedOperationException("imsg does not know the system call constants of Linux on "
                            + arch + ", which are not those of other machines");
                if (arch.matches("(arm|i[3-6]86|x86|ppc|ppcle|s390|riscv32)"))
                    throw new UnsupportedOperationException("imsg knows the layouts of Linux on 64-bit machines, and "
                            + arch + " has 32 bits");
                yield new String[]{COMMON, ERRNO, OperationsAbi.LINUX, GENERIC};
            }
        };
    }
}
