package org.imsg.privsep.rights;

import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Which system calls of Linux belong to which promise, as text: the name of a call, or with conditions on its arguments
 * {@code name[1=5,6]} (argument 1 is 5 or 6), {@code name[0&3=1]} (its bits under mask 3 are 1), {@code name[4=null]} (a null
 * pointer); two conditions that must both hold are joined by {@code ;}. Numbers count from argument 0 and may be hexadecimal.
 */
final class SystemCallRules {
    /**
     * Clone flags that make a namespace: NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET. A thread has CLONE_THREAD,
     * 0x10000.
     */
    private static final String STDIO = """
            read write readv writev pread64 pwrite64 preadv pwritev preadv2 pwritev2 sendfile splice tee copy_file_range
            close close_range dup dup2 dup3 lseek fstat ftruncate fsync fdatasync sync_file_range fallocate fadvise64 getdents64
            poll ppoll select pselect6 epoll_create epoll_create1 epoll_ctl epoll_wait epoll_pwait epoll_pwait2
            eventfd2 timerfd_create timerfd_settime timerfd_gettime pipe pipe2 socketpair[0=1]
            recvfrom recvmsg recvmmsg sendmsg sendmmsg sendto[4=null] shutdown getsockname getpeername getsockopt setsockopt
            ioctl[1=0x541B,0x5421,0x5450,0x5451,0x5401,0x5413]
            newfstatat[3&0x1000=0x1000] statx[2&0x1000=0x1000]
            fcntl[1=0,1,2,3,4,5,1030,1031,1032,1033,1034]
            mmap munmap mprotect mremap madvise msync mincore brk mlock munlock membarrier memfd_create
            get_mempolicy mbind set_mempolicy
            futex futex_waitv set_robust_list get_robust_list rseq set_tid_address arch_prctl clone[0&0x7E030000=0x10000]
            exit exit_group rt_sigaction rt_sigprocmask rt_sigreturn rt_sigpending rt_sigtimedwait rt_sigsuspend sigaltstack
            restart_syscall tgkill[0=SELF]
            sched_yield sched_getaffinity sched_getparam sched_getscheduler sched_get_priority_max sched_get_priority_min
            getpriority nanosleep clock_nanosleep clock_gettime clock_getres gettimeofday time getitimer setitimer
            getrandom getpid gettid getppid getpgrp getpgid getsid getuid geteuid getgid getegid getresuid getresgid getgroups
            capget uname sysinfo times getrusage getrlimit prlimit64[0=0;2=null] prlimit64[0=SELF;2=null] getcpu umask
            prctl[0=3,7,15,16,21,23,27,30,38,39,41,42,0x53564D41] prctl[0=4;1=0]
            seccomp landlock_create_ruleset landlock_add_rule landlock_restrict_self
            """;
    private static final String RPATH = """
            newfstatat statx stat lstat access faccessat faccessat2 readlink readlinkat getcwd chdir fchdir statfs fstatfs
            getxattr lgetxattr fgetxattr listxattr llistxattr flistxattr inotify_init1 inotify_add_watch inotify_rm_watch
            """;
    private static final String CPATH = """
            mkdir mkdirat rmdir unlink unlinkat rename renameat renameat2 link linkat symlink symlinkat
            """;
    private static final String FATTR = """
            chmod fchmod fchmodat fchmodat2 utimensat utime utimes futimesat
            setxattr lsetxattr fsetxattr removexattr lremovexattr fremovexattr
            """;
    private static final String SOCKETS = "connect bind listen accept accept4 sendto ";
    /** Families 2 and 10, types stream and datagram; and the routing netlink socket the resolver sorts addresses by. */
    private static final String INTERNET = "socket[0=2,10;1&0xF=1] socket[0=2,10;1&0xF=2] socket[0=16;2=0] ";
    private static final String PROC = """
            clone[0&0x7E020000=0] fork vfork wait4 waitid kill tkill tgkill setpgid setsid pidfd_open pidfd_send_signal
            """;
    private static final String ID = """
            setuid setgid setreuid setregid setresuid setresgid setgroups setfsuid setfsgid capset setrlimit prlimit64
            setpriority sched_setscheduler sched_setaffinity prctl[0=8,24,28,47]
            """;
    /**
     * The calls between a filter and the first instruction of the program it is for: the exec, the loader, the JVM's start, and
     * its becoming the user it is meant for.
     */
    private static final String START = """
            execve setresuid capset prctl[0=8] prlimit64[0=0] vfork clone[0&0x7E020000=0] wait4 tgkill setsid setpgid newfstatat statx stat lstat access faccessat
            faccessat2 readlink readlinkat getcwd chdir fchdir statfs fstatfs
            """;
    /** Refused as a missing permission of a path or program, which Java reports as such; the rest is EPERM. */
    private static final Set<String> ACCESS_DENIED = Set.of("openat", "newfstatat", "statx", "stat", "lstat", "access",
            "faccessat", "faccessat2", "readlink", "readlinkat", "chdir", "mkdir", "mkdirat", "rmdir", "unlink",
            "unlinkat", "rename", "renameat", "renameat2", "link", "linkat", "symlink", "symlinkat", "truncate",
            "socket",
            "execve", "execveat", "open", "creat", "mknodat");

    /**
     * Calls that truncate although nothing was opened for writing: O_TRUNC, 0x200 under mask 0x203, with O_RDONLY or with the access
     * mode 3, which opens neither to read nor to write. A ring would make them unseen.
     */
    private static final String TRUNCATION = "truncate openat[2&0x203=0x200,0x203] open[1&0x203=0x200,0x203] io_uring_setup ";
    /** Calls that reach ports past Landlock: by MSG_FASTOPEN, or unseen. */
    private static final String FAST_OPEN = """
            sendto[3&0x20000000=0x20000000] sendmsg[2&0x20000000=0x20000000] sendmmsg[3&0x20000000=0x20000000]
            io_uring_setup
            """;
    /** Local ones, and internet streams of TCP: no datagrams, no MPTCP, no SCTP. */
    private static final String TCP_ONLY = "socket[0=1,16] socket[0=2,10;1&0xF=1;2=0,6]";

    private SystemCallRules() {}

    /** The calls that an older Landlock, or any, leaves open, to be refused if a rule holds. */
    static Map<String, Rule> holes(boolean truncation, boolean ports, boolean listening) {
        String text = (truncation ? TRUNCATION : "") + (ports ? FAST_OPEN : "") + (ports && !listening ? "listen" : "");
        return rules(text);
    }

    /** The sockets that are left where TCP ports are restricted. */
    static Rule tcpOnly() {
        return new Rule(rules(TCP_ONLY).get("socket").alternatives(), true);
    }

    private static Map<String, Rule> rules(String text) {
        Map<String, Rule> rules = new LinkedHashMap<>();
        for (String word : text.strip().split("\\s+"))
            if (!word.isEmpty())
                add(rules, word, 0);
        return rules;
    }

    /** One condition on one argument: that its bits under the mask are the value, on all 64 bits if wide, else on the low 32. */
    record Test(int argument, long mask, long value, boolean wide) {}

    /** The condition that lets a call through: any of several lists of tests, each of which must hold as a whole. An empty list always holds. */
    record Rule(List<List<Test>> alternatives, boolean accessDenied) {
        boolean always() {
            return alternatives.stream().anyMatch(List::isEmpty);
        }
    }

    /**
     * The rules for what was promised.
     *
     * @param start whether the filter is there before the program it is for
     * @param pid the process that may signal its own threads, or 0 if it is not known
     */
    static Map<String, Rule> of(Collection<Promise> promises, boolean start, int pid) {
        StringBuilder text = new StringBuilder(STDIO);
        for (Promise promise : promises)
            text.append(' ').append(text(promise));
        if (start)
            text.append(' ').append(START);
        Map<String, Rule> rules = new LinkedHashMap<>();
        // Known to be refused for want of a permission, not because it does not exist.
        ACCESS_DENIED.forEach(name -> rules.put(name, new Rule(new ArrayList<>(), true)));
        for (String word : text.toString().strip().split("\\s+"))
            add(rules, word, pid);
        opening(rules, promises.contains(Promise.RPATH) || start, promises.contains(Promise.WPATH),
                promises.contains(Promise.CPATH));
        return rules;
    }

    private static String text(Promise promise) {
        return switch (promise) {
            case STDIO, SENDFD, RECVFD -> "";
            case RPATH -> RPATH;
            case WPATH -> "truncate";
            case CPATH -> CPATH;
            case FATTR -> FATTR;
            case CHOWN -> "chown fchown lchown fchownat";
            case FLOCK -> "flock fcntl[1=6,7,36,37,38]";
            case INET -> SOCKETS + INTERNET + "ioctl[1&0xFFFFFF00=0x8900]";
            case UNIX -> SOCKETS + "socket[0=1]";
            case DNS -> "connect bind sendto " + INTERNET;
            case PROC -> PROC;
            case EXEC -> "execve execveat";
            case ID -> ID;
            case SETTIME -> "settimeofday clock_settime adjtimex clock_adjtime";
        };
    }

    private static void add(Map<String, Rule> rules, String word, int pid) {
        int bracket = word.indexOf('[');
        String name = bracket < 0 ? word : word.substring(0, bracket);
        List<List<Test>> alternatives = rules
                .computeIfAbsent(name, any -> new Rule(new ArrayList<>(), false)).alternatives();
        if (bracket < 0)
            alternatives.add(List.of());
        else if (!word.contains("SELF") || pid != 0)
            alternatives.addAll(tests(word.substring(bracket + 1, word.length() - 1).replace("SELF", "" + pid)));
    }

    /** {@code 0=2,10;1=1} is two alternatives of two tests each. */
    private static List<List<Test>> tests(String conditions) {
        List<List<Test>> alternatives = List.of(List.of());
        for (String condition : conditions.split(";")) {
            String[] sides = condition.split("=");
            String[] left = sides[0].split("&");
            int argument = Integer.parseInt(left[0]);
            long mask = left.length == 1 ? -1 : Long.decode(left[1]);
            List<List<Test>> longer = new ArrayList<>();
            for (List<Test> shorter : alternatives) {
                for (String value : sides[1].split(",")) {
                    List<Test> tests = new ArrayList<>(shorter);
                    tests.add(value.equals("null")
                            ? new Test(argument, -1, 0, true)
                            : new Test(argument, mask, Long.decode(value), false));
                    longer.add(tests);
                }
            }
            alternatives = longer;
        }
        return alternatives;
    }

    /**
     * openat by its flags: access mode in bits 0 and 1, O_CREAT 0x40, O_TRUNC 0x200, O_TMPFILE 0x400000 (which takes a right to
     * write). The other ways to open
     * cannot be looked into, and are refused.
     */
    private static void opening(Map<String, Rule> rules, boolean read, boolean write, boolean create) {
        List<List<Test>> alternatives = rules.get("openat").alternatives();
        int making = create ? 0 : 0x400040;
        if (read)
            alternatives.add(List.of(new Test(2, 3 | 0x400200 | making, 0, false)));
        if (write)
            alternatives.add(List.of(new Test(2, 3 | making, 1, false)));
        if (read && write)
            alternatives.add(List.of(new Test(2, 3 | making, 2, false)));
    }
}
