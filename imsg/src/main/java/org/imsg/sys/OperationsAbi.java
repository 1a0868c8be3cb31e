package org.imsg.sys;

/** What privileged operations need of each system's table: directories, addresses, accounts and clocks. */
final class OperationsAbi {
    /** The same everywhere. */
    private static final String ALL = """
            sockaddr_in:size 16            sockaddr_in.sin_port:offset 2    sockaddr_in.sin_addr:offset 4
            sockaddr_in6:size 28           sockaddr_in6.sin6_port:offset 2  sockaddr_in6.sin6_addr:offset 8
            sockaddr_in6.sin6_scope_id:offset 24
            timespec:size 16               timespec.tv_sec:offset 0         timespec.tv_nsec:offset 8
            passwd.pw_name:offset 0
            group:size 32                  group.gr_name:offset 0           group.gr_gid:offset 16
            group.gr_mem:offset 24
            IPPROTO_IPV6 41  CLOCK_REALTIME 0  S_IFLNK 0xA000
            """;

    private static final String BSD = """
            SO_REUSEADDR 4  IPV6_V6ONLY 27
            """;

    static final String LINUX = ALL + """
            dirent.d_name:offset 19
            open_how:size 24     open_how.flags:offset 0  open_how.mode:offset 8  open_how.resolve:offset 16
            passwd:size 48       passwd.pw_gecos:offset 24  passwd.pw_dir:offset 32  passwd.pw_shell:offset 40
            AT_SYMLINK_NOFOLLOW 0x100  AT_REMOVEDIR 0x200  AT_EMPTY_PATH 0x1000  O_NOCTTY 0x100
            RESOLVE_NO_XDEV 1  RESOLVE_NO_MAGICLINKS 2  RESOLVE_NO_SYMLINKS 4  RESOLVE_BENEATH 8
            SO_REUSEADDR 2  IPV6_V6ONLY 26
            timex:size 208  timex.modes:offset 0  timex.offset:offset 8  timex.freq:offset 16
            ADJ_FREQUENCY 2  ADJ_OFFSET_SINGLESHOT 0x8001
            """;

    static final String LINUX_X86_64 = """
            stat.st_nlink:offset 16  stat.st_nlink:width 8  stat.st_uid:offset 28  stat.st_gid:offset 32
            """;

    static final String LINUX_AARCH64 = """
            stat.st_nlink:offset 20  stat.st_nlink:width 4  stat.st_uid:offset 24  stat.st_gid:offset 28
            """;

    private static final String BSD_PASSWD = """
            passwd:size 72  passwd.pw_gecos:offset 40  passwd.pw_dir:offset 48  passwd.pw_shell:offset 56
            """;

    static final String OPENBSD = ALL + BSD + BSD_PASSWD + """
            dirent.d_name:offset 24
            stat.st_nlink:offset 16  stat.st_nlink:width 4  stat.st_uid:offset 20  stat.st_gid:offset 24
            AT_SYMLINK_NOFOLLOW 2  AT_REMOVEDIR 8  O_NOCTTY 0x8000
            """;

    static final String FREEBSD = ALL + BSD + """
            dirent.d_name:offset 24
            passwd:size 80  passwd.pw_gecos:offset 40  passwd.pw_dir:offset 48  passwd.pw_shell:offset 56
            stat.st_nlink:offset 16  stat.st_nlink:width 8  stat.st_uid:offset 28  stat.st_gid:offset 32
            AT_SYMLINK_NOFOLLOW 0x200  AT_REMOVEDIR 0x800  O_NOCTTY 0x8000
            """;

    static final String MACOS = ALL + BSD + BSD_PASSWD + """
            dirent.d_name:offset 21
            stat.st_nlink:offset 6  stat.st_nlink:width 2  stat.st_uid:offset 16  stat.st_gid:offset 20
            AT_SYMLINK_NOFOLLOW 0x20  AT_REMOVEDIR 0x80  O_NOCTTY 0x20000
            """;

    private OperationsAbi() {}
}
