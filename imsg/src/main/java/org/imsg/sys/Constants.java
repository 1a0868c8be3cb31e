package org.imsg.sys;

/** The running system's constants as static finals, under their C names: what the compiled code has in its hands. */
public final class Constants {
    private static final Abi HOST = Abi.host();

    public static final int AF_UNIX = HOST.value("AF_UNIX");
    public static final int SOCK_STREAM = HOST.value("SOCK_STREAM");
    /** 0 where sockets are made close-on-exec by a second call. */
    public static final int SOCK_CLOEXEC = HOST.value("SOCK_CLOEXEC", 0);
    public static final int SOL_SOCKET = HOST.value("SOL_SOCKET");
    public static final int SO_TYPE = HOST.value("SO_TYPE");
    /** Of Linux 6.5, newer than many headers; -1 elsewhere. */
    public static final int SO_PEERPIDFD = Os.current() == Os.LINUX ? 77 : -1;
    public static final int SO_SNDBUF = HOST.value("SO_SNDBUF");
    public static final int SO_ACCEPTCONN = HOST.value("SO_ACCEPTCONN");
    public static final int SCM_RIGHTS = HOST.value("SCM_RIGHTS");
    public static final int MSG_PEEK = HOST.value("MSG_PEEK");
    public static final int MSG_CTRUNC = HOST.value("MSG_CTRUNC");
    public static final int MSG_DONTWAIT = HOST.value("MSG_DONTWAIT");
    /** 0 where SO_NOSIGPIPE does it; a JVM ignores SIGPIPE in any case. */
    public static final int MSG_NOSIGNAL = HOST.value("MSG_NOSIGNAL", 0);
    /** 0 where received descriptors are made close-on-exec by a second call. */
    public static final int MSG_CMSG_CLOEXEC = HOST.value("MSG_CMSG_CLOEXEC", 0);
    public static final int SHUT_RD = HOST.value("SHUT_RD");
    public static final int SHUT_WR = HOST.value("SHUT_WR");
    public static final int SHUT_RDWR = HOST.value("SHUT_RDWR");
    public static final int POLLIN = HOST.value("POLLIN");
    public static final int POLLOUT = HOST.value("POLLOUT");
    public static final int F_GETFD = HOST.value("F_GETFD");
    public static final int F_SETFD = HOST.value("F_SETFD");
    public static final int F_GETFL = HOST.value("F_GETFL");
    public static final int F_SETFL = HOST.value("F_SETFL");
    public static final int F_DUPFD_CLOEXEC = HOST.value("F_DUPFD_CLOEXEC");
    public static final int FD_CLOEXEC = HOST.value("FD_CLOEXEC");
    public static final int O_RDONLY = HOST.value("O_RDONLY");
    public static final int O_WRONLY = HOST.value("O_WRONLY");
    public static final int O_RDWR = HOST.value("O_RDWR");
    public static final int O_ACCMODE = HOST.value("O_ACCMODE");
    public static final int O_CREAT = HOST.value("O_CREAT");
    public static final int O_EXCL = HOST.value("O_EXCL");
    public static final int O_TRUNC = HOST.value("O_TRUNC");
    public static final int O_APPEND = HOST.value("O_APPEND");
    public static final int O_NONBLOCK = HOST.value("O_NONBLOCK");
    public static final int O_CLOEXEC = HOST.value("O_CLOEXEC");
    public static final int O_NOFOLLOW = HOST.value("O_NOFOLLOW", 0);
    public static final int LOCK_EX = HOST.value("LOCK_EX");
    public static final int LOCK_NB = HOST.value("LOCK_NB");
    /** The same on every system. */
    public static final int LOCK_UN = 8;
    public static final int S_IFMT = HOST.value("S_IFMT");
    public static final int S_IFSOCK = HOST.value("S_IFSOCK");
    public static final int S_IFREG = HOST.value("S_IFREG");
    public static final int S_IFDIR = HOST.value("S_IFDIR");

    public static final int POSIX_SPAWN_SETSIGDEF = HOST.value("POSIX_SPAWN_SETSIGDEF");
    public static final int POSIX_SPAWN_SETSIGMASK = HOST.value("POSIX_SPAWN_SETSIGMASK");
    /** 0 where there is none: the child then leads a process group only. */
    public static final int POSIX_SPAWN_SETSID = HOST.value("POSIX_SPAWN_SETSID", 0);
    public static final int POSIX_SPAWN_SETPGROUP = HOST.value("POSIX_SPAWN_SETPGROUP");
    public static final int P_PID = HOST.value("P_PID");
    public static final int WEXITED = HOST.value("WEXITED");
    public static final int WNOWAIT = HOST.value("WNOWAIT");

    public static final int EINTR = HOST.value("EINTR");
    public static final int EAGAIN = HOST.value("EAGAIN");
    public static final int ENOBUFS = HOST.value("ENOBUFS");
    public static final int ENOMEM = HOST.value("ENOMEM");
    public static final int EMSGSIZE = HOST.value("EMSGSIZE");
    public static final int ETOOMANYREFS = HOST.value("ETOOMANYREFS");
    public static final int ECONNRESET = HOST.value("ECONNRESET");
    public static final int EACCES = HOST.value("EACCES");
    public static final int EBADF = HOST.value("EBADF");
    public static final int EPERM = HOST.value("EPERM");
    public static final int EEXIST = HOST.value("EEXIST");
    public static final int ENOENT = HOST.value("ENOENT");
    public static final int EPIPE = HOST.value("EPIPE");
    public static final int EINVAL = HOST.value("EINVAL");
    public static final int ECONNREFUSED = HOST.value("ECONNREFUSED");
    public static final int ECONNABORTED = HOST.value("ECONNABORTED");
    public static final int EPROTO = HOST.value("EPROTO");
    public static final int EADDRINUSE = HOST.value("EADDRINUSE");
    public static final int EMFILE = HOST.value("EMFILE");
    public static final int ENFILE = HOST.value("ENFILE");

    private Constants() {}
}
