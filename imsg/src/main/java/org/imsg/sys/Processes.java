package org.imsg.sys;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * The calls that start and end processes; as {@link Posix}, but for the posix_spawn family, which returns an error number
 * itself: 0 is success.
 */
public final class Processes {
    /** More than any system's posix_spawnattr_t, posix_spawn_file_actions_t or sigset_t needs. */
    public static final int OPAQUE_SIZE = 1024;

    /** For all threads: posix_spawn returns an error number, and errno is not read. */
    private static volatile @Nullable MemorySegment unread;

    private Processes() {}

    private static final CFunction POSIX_SPAWN = new CFunction("posix_spawn");

    /** {@code int posix_spawn(pid_t *, const char *, const posix_spawn_file_actions_t *, const posix_spawnattr_t *, char *const [], char *const [])}. */
    public static int posix_spawn(long pid, long path, long actions, long attributes, long argv,
            long environment) {
        return POSIX_SPAWN.call(unread, pid, path, actions, attributes, argv, environment, 0);
    }

    private static final CFunction SIGACTION = new CFunction("sigaction");
    private static final int SIGCHLD = Os.current() == Os.LINUX ? 17 : 20;
    private static final long SIG_IGN = 1;

    /**
     * Must have been called before {@code posix_spawn}, by a thread that can load classes. Where this process was started with
     * SIGCHLD ignored, it is so no more, as for the JDK's own children: the kernel would wait for each, and how it ended
     * would be lost, and whose its number is.
     */
    public static void prepareSpawn() {
        try (Arena arena = Arena.ofConfined()) {
            // The handler is the first member on every system; a struct of zeros is the default.
            MemorySegment action = arena.allocate(OPAQUE_SIZE, 16);
            if (SIGACTION.call(SIGCHLD, 0, action.address()) == 0 && action.get(JAVA_LONG, 0) == SIG_IGN)
                SIGACTION.call(SIGCHLD, action.fill((byte) 0).address(), 0);
        }
        if (unread == null)
            unread = Posix.errnoSegment(Arena.global());
        POSIX_SPAWN.find();
    }

    private static final CFunction POSIX_SPAWN_FILE_ACTIONS_INIT = new CFunction("posix_spawn_file_actions_init");

    /** {@code int posix_spawn_file_actions_init(posix_spawn_file_actions_t *)}. */
    public static int file_actions_init(long actions) {
        return POSIX_SPAWN_FILE_ACTIONS_INIT.call(actions);
    }

    private static final CFunction POSIX_SPAWN_FILE_ACTIONS_DESTROY = new CFunction("posix_spawn_file_actions_destroy");

    /** {@code int posix_spawn_file_actions_destroy(posix_spawn_file_actions_t *)}; allocates nothing. */
    public static void file_actions_destroy(long actions) {
        POSIX_SPAWN_FILE_ACTIONS_DESTROY.callAnyway(actions, 0, 0);
    }

    private static final CFunction POSIX_SPAWN_FILE_ACTIONS_ADDDUP2 = new CFunction("posix_spawn_file_actions_adddup2");

    /** {@code int posix_spawn_file_actions_adddup2(posix_spawn_file_actions_t *, int, int)}. */
    public static int file_actions_adddup2(long actions, int fd, int onto) {
        return POSIX_SPAWN_FILE_ACTIONS_ADDDUP2.call(actions, fd, onto);
    }

    private static final CFunction POSIX_SPAWN_FILE_ACTIONS_ADDCLOSE = new CFunction(
            "posix_spawn_file_actions_addclose");

    /** {@code int posix_spawn_file_actions_addclose(posix_spawn_file_actions_t *, int)}. */
    public static int file_actions_addclose(long actions, int fd) {
        return POSIX_SPAWN_FILE_ACTIONS_ADDCLOSE.call(actions, fd);
    }

    private static final CFunction POSIX_SPAWN_FILE_ACTIONS_ADDCLOSEFROM_NP = new CFunction(
            "posix_spawn_file_actions_addclosefrom_np");

    /** {@code int posix_spawn_file_actions_addclosefrom_np(posix_spawn_file_actions_t *, int)}; glibc 2.34, FreeBSD 13. */
    public static int file_actions_addclosefrom(long actions, int from) {
        return POSIX_SPAWN_FILE_ACTIONS_ADDCLOSEFROM_NP.call(actions, from);
    }

    private static final CFunction POSIX_SPAWN_FILE_ACTIONS_ADDFCHDIR_NP = new CFunction(
            "posix_spawn_file_actions_addfchdir_np");

    /** {@code int posix_spawn_file_actions_addfchdir_np(posix_spawn_file_actions_t *, int)}; glibc 2.29, FreeBSD 13, macOS. */
    public static int file_actions_addfchdir(long actions, int directory) {
        return POSIX_SPAWN_FILE_ACTIONS_ADDFCHDIR_NP.call(actions, directory);
    }

    private static final CFunction POSIX_SPAWNATTR_INIT = new CFunction("posix_spawnattr_init");

    /** {@code int posix_spawnattr_init(posix_spawnattr_t *)}. */
    public static int attributes_init(long attributes) {
        return POSIX_SPAWNATTR_INIT.call(attributes);
    }

    private static final CFunction POSIX_SPAWNATTR_DESTROY = new CFunction("posix_spawnattr_destroy");

    /** {@code int posix_spawnattr_destroy(posix_spawnattr_t *)}; allocates nothing. */
    public static void attributes_destroy(long attributes) {
        POSIX_SPAWNATTR_DESTROY.callAnyway(attributes, 0, 0);
    }

    private static final CFunction POSIX_SPAWNATTR_SETFLAGS = new CFunction("posix_spawnattr_setflags");

    /** {@code int posix_spawnattr_setflags(posix_spawnattr_t *, short)}. */
    public static int attributes_setflags(long attributes, int flags) {
        return POSIX_SPAWNATTR_SETFLAGS.call(attributes, flags);
    }

    private static final CFunction POSIX_SPAWNATTR_SETSIGMASK = new CFunction("posix_spawnattr_setsigmask");

    /** {@code int posix_spawnattr_setsigmask(posix_spawnattr_t *, const sigset_t *)}. */
    public static int attributes_setsigmask(long attributes, long set) {
        return POSIX_SPAWNATTR_SETSIGMASK.call(attributes, set);
    }

    private static final CFunction POSIX_SPAWNATTR_SETSIGDEFAULT = new CFunction("posix_spawnattr_setsigdefault");

    /** {@code int posix_spawnattr_setsigdefault(posix_spawnattr_t *, const sigset_t *)}. */
    public static int attributes_setsigdefault(long attributes, long set) {
        return POSIX_SPAWNATTR_SETSIGDEFAULT.call(attributes, set);
    }

    private static final CFunction SIGEMPTYSET = new CFunction("sigemptyset");

    /** {@code int sigemptyset(sigset_t *)}. */
    public static int sigemptyset(long set) {
        return SIGEMPTYSET.call(set);
    }

    private static final CFunction SIGFILLSET = new CFunction("sigfillset");

    /** {@code int sigfillset(sigset_t *)}. */
    public static int sigfillset(long set) {
        return SIGFILLSET.call(set);
    }

    private static final CFunction GETPRIORITY = new CFunction("getpriority");

    /** {@code int getpriority(int, id_t)} of a process, 0 for this one; -1 cannot be told from a failure. */
    public static int getpriority(MemorySegment errno, int pid) {
        return GETPRIORITY.call(errno, 0, pid, 0);
    }

    private static final CFunction WAITPID = new CFunction("waitpid");

    /** {@code pid_t waitpid(pid_t, int *, int)}; waits in the kernel, and allocates nothing. */
    public static int waitpid(MemorySegment errno, int pid, long status, int options) {
        return WAITPID.call(errno, pid, status, options);
    }

    private static final CFunction WAITID = new CFunction("waitid");

    /**
     * {@code int waitid(idtype_t, id_t, siginfo_t *, int)} for the end of one process, which is left to be waited for; allocates
     * nothing.
     */
    public static int waitid(MemorySegment errno, int pid, long siginfo) {
        return WAITID.call(errno, Constants.P_PID, pid, siginfo, Constants.WEXITED | Constants.WNOWAIT);
    }

    private static final CFunction KILL = new CFunction("kill");

    /** {@code int kill(pid_t, int)}; allocates nothing. */
    public static void kill(int pid, int signal) {
        KILL.callAnyway(pid, signal, 0);
    }
}
