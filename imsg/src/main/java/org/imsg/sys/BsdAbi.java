package org.imsg.sys;

/** What OpenBSD, FreeBSD and macOS have in common: 4.4BSD's numbers, int msg_iovlen, socklen_t lengths. */
final class BsdAbi {
    static final String COMMON = """
            msghdr:size 48
            msghdr.msg_name:offset 0      msghdr.msg_namelen:offset 8     msghdr.msg_namelen:width 4
            msghdr.msg_iov:offset 16      msghdr.msg_iovlen:offset 24     msghdr.msg_iovlen:width 4
            msghdr.msg_control:offset 32  msghdr.msg_controllen:offset 40 msghdr.msg_controllen:width 4
            msghdr.msg_flags:offset 44
            cmsghdr:size 12               cmsghdr.cmsg_len:offset 0       cmsghdr.cmsg_len:width 4
            cmsghdr.cmsg_level:offset 4   cmsghdr.cmsg_type:offset 8      cmsg:align 8
            iovec:size 16                 iovec.iov_base:offset 0         iovec.iov_len:offset 8
            sockaddr_un:size 106          sockaddr_un.sun_len:offset 0    sockaddr_un.sun_family:offset 1
            sockaddr_un.sun_family:width 1 sockaddr_un.sun_path:offset 2  sockaddr_un.sun_path:width 104
            pollfd:size 8                 pollfd.fd:offset 0
            pollfd.events:offset 4        pollfd.revents:offset 6
            passwd.pw_uid:offset 16       passwd.pw_gid:offset 20
            RLIMIT_CPU 0  RLIMIT_FSIZE 1  RLIMIT_DATA 2  RLIMIT_CORE 4  RLIMIT_MEMLOCK 6  RLIMIT_NPROC 7  RLIMIT_NOFILE 8
            AF_UNIX 1        AF_INET 2
            SOCK_STREAM 1    SOCK_DGRAM 2    SOCK_SEQPACKET 5
            SOL_SOCKET 0xFFFF  SO_SNDBUF 0x1001  SO_RCVBUF 0x1002  SO_ERROR 0x1007  SO_TYPE 0x1008  SO_ACCEPTCONN 2
            SCM_RIGHTS 1     MSG_PEEK 2      MSG_TRUNC 0x10    MSG_CTRUNC 0x20  MSG_DONTWAIT 0x80
            SHUT_RD 0        SHUT_WR 1       SHUT_RDWR 2
            POLLIN 1         POLLOUT 4       POLLERR 8         POLLHUP 0x10  POLLNVAL 0x20
            F_GETFD 1        F_SETFD 2       F_GETFL 3         F_SETFL 4     FD_CLOEXEC 1
            LOCK_EX 2        LOCK_NB 4
            O_RDONLY 0       O_WRONLY 1      O_RDWR 2          O_ACCMODE 3   O_NONBLOCK 4  O_APPEND 8
            O_NOFOLLOW 0x100 O_CREAT 0x200   O_TRUNC 0x400     O_EXCL 0x800
            EVFILT_READ -1   EVFILT_WRITE -2 EV_ADD 1  EV_DELETE 2  EV_ONESHOT 0x10
            S_IFMT 0xF000    S_IFSOCK 0xC000 S_IFREG 0x8000    S_IFCHR 0x2000  S_IFDIR 0x4000  S_IFIFO 0x1000
            EPERM 1   ENOENT 2   ESRCH 3    EINTR 4    EIO 5     ENXIO 6     E2BIG 7    ENOEXEC 8  EBADF 9   ECHILD 10
            EDEADLK 11 ENOMEM 12 EACCES 13  EFAULT 14  EBUSY 16  EEXIST 17   EXDEV 18   ENODEV 19  ENOTDIR 20
            EISDIR 21 EINVAL 22  ENFILE 23  EMFILE 24  ENOTTY 25 ETXTBSY 26  EFBIG 27   ENOSPC 28  ESPIPE 29
            EROFS 30  EMLINK 31  EPIPE 32   ERANGE 34  EAGAIN 35 EINPROGRESS 36 EALREADY 37 ENOTSOCK 38
            EDESTADDRREQ 39 EMSGSIZE 40 EPROTOTYPE 41 ENOPROTOOPT 42 EPROTONOSUPPORT 43 EAFNOSUPPORT 47
            EADDRINUSE 48 EADDRNOTAVAIL 49 ENETDOWN 50 ENETUNREACH 51 ECONNABORTED 53 ECONNRESET 54 ENOBUFS 55
            EISCONN 56 ENOTCONN 57 ESHUTDOWN 58 ETOOMANYREFS 59 ETIMEDOUT 60 ECONNREFUSED 61 ELOOP 62 ENAMETOOLONG 63
            EHOSTDOWN 64 EHOSTUNREACH 65 ENOTEMPTY 66 EDQUOT 69 ESTALE 70 ENOLCK 77 ENOSYS 78
            """;

    private BsdAbi() {}
}
