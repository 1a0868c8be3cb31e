package org.imsg.sys;

import java.util.HashMap;
import java.util.Map;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;

/**
 * The numbers of Linux's system calls on one machine: x86_64 and aarch64 are known, any other is refused rather than given
 * wrong numbers. Immutable.
 *
 * <p>From the kernel's arch/x86/entry/syscalls/syscall_64.tbl and include/uapi/asm-generic/unistd.h; a test compares both
 * with the headers of the running system.
 */
public final class LinuxSyscalls {
    /** The last number of Linux 6.6: higher numbers were not known when this table was written. */
    public static final int LAST_KNOWN = 453;

    /** Name, number on x86_64, number on aarch64; a dash where the machine has no such call. */
    private static final String TABLE = """
            read 0 63  write 1 64  readv 19 65  writev 20 66  pread64 17 67  pwrite64 18 68  preadv 295 69  pwritev 296 70
            preadv2 327 286  pwritev2 328 287  close 3 57  close_range 436 436  dup 32 23  dup2 33 -  dup3 292 24
            lseek 8 62  fstat 5 80  ftruncate 77 46  fsync 74 82  fdatasync 75 83  sync_file_range 277 84  fallocate 285 47
            fadvise64 221 223  getdents64 217 61  poll 7 -  ppoll 271 73  select 23 -  pselect6 270 72  epoll_create 213 -
            epoll_create1 291 20  epoll_ctl 233 21  epoll_wait 232 -  epoll_pwait 281 22  epoll_pwait2 441 441
            eventfd2 290 19  timerfd_create 283 85  timerfd_settime 286 86  timerfd_gettime 287 87  pipe 22 -  pipe2 293 59
            socketpair 53 199  sendfile 40 71  splice 275 76  tee 276 77  copy_file_range 326 285  recvmsg 47 212
            sendmsg 46 211  recvmmsg 299 243  sendmmsg 307 269  recvfrom 45 207  sendto 44 206  shutdown 48 210
            getsockname 51 204  getpeername 52 205  getsockopt 55 209  setsockopt 54 208  ioctl 16 29  newfstatat 262 79
            statx 332 291  fcntl 72 25  mmap 9 222  munmap 11 215  mprotect 10 226  mremap 25 216  madvise 28 233
            msync 26 227  mincore 27 232  brk 12 214  mlock 149 228  munlock 150 229  membarrier 324 283
            memfd_create 319 279  get_mempolicy 239 236  mbind 237 235  set_mempolicy 238 237  futex 202 98
            futex_waitv 449 449  set_robust_list 273 99  get_robust_list 274 100  rseq 334 293  set_tid_address 218 96
            arch_prctl 158 -  clone 56 220  clone3 435 435  exit 60 93  exit_group 231 94  rt_sigaction 13 134
            rt_sigprocmask 14 135  rt_sigreturn 15 139  rt_sigpending 127 136  rt_sigtimedwait 128 137
            rt_sigsuspend 130 133  sigaltstack 131 132  restart_syscall 219 128  tgkill 234 131  sched_yield 24 124
            sched_getaffinity 204 123  sched_setaffinity 203 122  sched_getparam 143 121  sched_getscheduler 145 120
            sched_setscheduler 144 119  sched_setattr 314 274  sched_get_priority_max 146 125  sched_get_priority_min 147 126  getpriority 140 141
            setpriority 141 140  nanosleep 35 101  clock_nanosleep 230 115  clock_gettime 228 113  clock_getres 229 114
            gettimeofday 96 169  time 201 -  getrandom 318 278  getpid 39 172  gettid 186 178  getppid 110 173
            getpgrp 111 -  getpgid 121 155  getsid 124 156  getuid 102 174  geteuid 107 175  getgid 104 176  getegid 108 177
            getresuid 118 148  getresgid 120 150  getgroups 115 158  capget 125 90  uname 63 160  sysinfo 99 179
            times 100 153  getrusage 98 165  getrlimit 97 163  prlimit64 302 261  getcpu 309 168  umask 95 166
            prctl 157 167  seccomp 317 277  landlock_create_ruleset 444 444  landlock_add_rule 445 445
            landlock_restrict_self 446 446  setitimer 38 103  getitimer 36 102  openat 257 56  openat2 437 437  open 2 -
            creat 85 -  stat 4 -  lstat 6 -  access 21 -  faccessat 269 48  faccessat2 439 439  readlink 89 -
            readlinkat 267 78  getcwd 79 17  chdir 80 49  fchdir 81 50  statfs 137 43  fstatfs 138 44  getxattr 191 8
            lgetxattr 192 9  fgetxattr 193 10  listxattr 194 11  llistxattr 195 12  flistxattr 196 13  inotify_init1 294 26
            inotify_add_watch 254 27  inotify_rm_watch 255 28  truncate 76 45  mkdir 83 -  mkdirat 258 34  rmdir 84 -
            unlink 87 -  unlinkat 263 35  rename 82 -  renameat 264 38  renameat2 316 276  link 86 -  linkat 265 37
            symlink 88 -  symlinkat 266 36  mknodat 259 33  chmod 90 -  fchmod 91 52  fchmodat 268 53  fchmodat2 452 452  utimensat 280 88
            utime 132 -  utimes 235 -  futimesat 261 -  setxattr 188 5  lsetxattr 189 6  fsetxattr 190 7  removexattr 197 14
            lremovexattr 198 15  fremovexattr 199 16  chown 92 -  fchown 93 55  lchown 94 -  fchownat 260 54  flock 73 32
            socket 41 198  connect 42 203  bind 49 200  listen 50 201  accept 43 202  accept4 288 242  fork 57 -  vfork 58 -
            wait4 61 260  waitid 247 95  kill 62 129  tkill 200 130  setpgid 109 154  setsid 112 157  pidfd_open 434 434
            pidfd_send_signal 424 424  execve 59 221  execveat 322 281  setuid 105 146  setgid 106 144  setreuid 113 145
            setregid 114 143  setresuid 117 147  setresgid 119 149  setgroups 116 159  setfsuid 122 151  setfsgid 123 152
            capset 126 91  setrlimit 160 164  settimeofday 164 170  clock_settime 227 112  adjtimex 159 171
            clock_adjtime 305 266  unshare 272 97  mount 165 40  umount2 166 39  pivot_root 155 41  chroot 161 51
            keyctl 250 219  add_key 248 217  request_key 249 218  ptrace 101 117  process_vm_readv 310 270  bpf 321 280  io_uring_setup 425 425  perf_event_open 298 241
            """;

    /** Null before the first call, and where there is no table: any thread may set it, always to the same. */
    private static volatile @Nullable LinuxSyscalls host;

    private final int auditArch;
    private final boolean x32;
    private final Map<String, Integer> numbers;

    private LinuxSyscalls(int column, int auditArch, boolean x32) {
        this.auditArch = auditArch;
        this.x32 = x32;
        Map<String, Integer> found = new HashMap<>();
        String[] words = TABLE.strip().split("\\s+");
        for (int i = 0; i < words.length; i += 3)
            if (!words[i + column].equals("-"))
                found.put(words[i], Integer.valueOf(words[i + column]));
        numbers = Map.copyOf(found);
    }

    /**
     * The table of a machine.
     *
     * @param machine as the property {@code os.arch} names it
     * @return its numbers
     * @throws UnsupportedOperationException if it is not x86_64 or aarch64; the message names it
     */
    public static LinuxSyscalls of(String machine) {
        return switch (machine) {
            case "amd64", "x86_64" -> new LinuxSyscalls(1, 0xC000003E, true);
            case "aarch64" -> new LinuxSyscalls(2, 0xC00000B7, false);
            default -> throw new UnsupportedOperationException(
                    "the system call numbers of Linux are known here for x86_64 and aarch64, not for " + machine);
        };
    }

    /**
     * The table of the machine this JVM runs on.
     *
     * @return its numbers
     * @throws UnsupportedOperationException if it is not Linux on x86_64 or aarch64
     */
    public static LinuxSyscalls host() {
        LinuxSyscalls known = host;
        if (known != null)
            return known;
        if (Os.current() != Os.LINUX)
            throw new UnsupportedOperationException("these are Linux's system calls, and this is " + Os.current());
        return host = of(System.getProperty("os.arch"));
    }

    /**
     * The number of a call.
     *
     * @param name its name in the kernel, such as {@code newfstatat}
     * @return its number
     * @throws UnsupportedOperationException if the machine has no such call, or the table does not know it
     */
    public int number(String name) {
        return find(name)
                .orElseThrow(() -> new UnsupportedOperationException("this machine has no system call " + name));
    }

    /**
     * The number of a call that not every machine has.
     *
     * @param name its name in the kernel
     * @return its number, or empty
     */
    public OptionalInt find(String name) {
        Integer number = numbers.get(name);
        return number == null ? OptionalInt.empty() : OptionalInt.of(number);
    }

    /**
     * All numbers.
     *
     * @return an immutable map by name
     */
    public Map<String, Integer> numbers() {
        return numbers;
    }

    /**
     * What the kernel calls the machine in {@code struct seccomp_data}: AUDIT_ARCH_X86_64 or AUDIT_ARCH_AARCH64.
     *
     * @return the value
     */
    public int auditArch() {
        return auditArch;
    }

    /**
     * Whether a second set of numbers, those of x32 with bit 30 set, goes by the same {@link #auditArch()}.
     *
     * @return true on x86_64
     */
    public boolean hasX32() {
        return x32;
    }
}
