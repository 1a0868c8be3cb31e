package org.imsg.sys;

import static org.imsg.sys.Calls.call;

import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/**
 * The calls that start and end processes; as {@link Posix}, but for the posix_spawn family, which returns an error number
 * itself: 0 is success.
 */
public final class Processes {
    /** More than any system's posix_spawnattr_t, posix_spawn_file_actions_t or sigset_t needs. */
    public static final int OPAQUE_SIZE = 1024;

    private Processes() {}

    /** {@code int posix_spawn(pid_t *, const char *, const posix_spawn_file_actions_t *, const posix_spawnattr_t *, char *const [], char *const [])}. */
    public static int posix_spawn(MemorySegment errno, long pid, long path, long actions, long attributes, long argv,
            long environment) {
        return call(PosixSpawn.HANDLE, errno, pid, path, actions, attributes, argv, environment);
    }

    /** Binds {@link #posix_spawn}, for a thread that could not do so itself. */
    public static void prepareSpawn() {
        PosixSpawn.HANDLE.getClass();
    }

    /** {@code int posix_spawn_file_actions_init(posix_spawn_file_actions_t *)}. */
    public static int file_actions_init(MemorySegment errno, long actions) {
        return call(ActionsInit.HANDLE, errno, actions);
    }

    /** {@code int posix_spawn_file_actions_destroy(posix_spawn_file_actions_t *)}. */
    public static int file_actions_destroy(MemorySegment errno, long actions) {
        return call(ActionsDestroy.HANDLE, errno, actions);
    }

    /** {@code int posix_spawn_file_actions_adddup2(posix_spawn_file_actions_t *, int, int)}. */
    public static int file_actions_adddup2(MemorySegment errno, long actions, int fd, int onto) {
        return call(ActionsDup2.HANDLE, errno, actions, fd, onto);
    }

    /** {@code int posix_spawn_file_actions_addclose(posix_spawn_file_actions_t *, int)}. */
    public static int file_actions_addclose(MemorySegment errno, long actions, int fd) {
        return call(ActionsClose.HANDLE, errno, actions, fd);
    }

    /** {@code int posix_spawn_file_actions_addclosefrom_np(posix_spawn_file_actions_t *, int)}; glibc 2.34, FreeBSD 13. */
    public static int file_actions_addclosefrom(MemorySegment errno, long actions, int from) {
        return call(ActionsCloseFrom.HANDLE, errno, actions, from);
    }

    /** {@code int posix_spawn_file_actions_addfchdir_np(posix_spawn_file_actions_t *, int)}; glibc 2.29, FreeBSD 13, macOS. */
    public static int file_actions_addfchdir(MemorySegment errno, long actions, int directory) {
        return call(ActionsFchdir.HANDLE, errno, actions, directory);
    }

    /** {@code int posix_spawnattr_init(posix_spawnattr_t *)}. */
    public static int attributes_init(MemorySegment errno, long attributes) {
        return call(AttributesInit.HANDLE, errno, attributes);
    }

    /** {@code int posix_spawnattr_destroy(posix_spawnattr_t *)}. */
    public static int attributes_destroy(MemorySegment errno, long attributes) {
        return call(AttributesDestroy.HANDLE, errno, attributes);
    }

    /** {@code int posix_spawnattr_setflags(posix_spawnattr_t *, short)}. */
    public static int attributes_setflags(MemorySegment errno, long attributes, int flags) {
        return call(SetFlags.HANDLE, errno, attributes, flags);
    }

    /** {@code int posix_spawnattr_setsigmask(posix_spawnattr_t *, const sigset_t *)}. */
    public static int attributes_setsigmask(MemorySegment errno, long attributes, long set) {
        return call(SetSigmask.HANDLE, errno, attributes, set);
    }

    /** {@code int posix_spawnattr_setsigdefault(posix_spawnattr_t *, const sigset_t *)}. */
    public static int attributes_setsigdefault(MemorySegment errno, long attributes, long set) {
        return call(SetSigdefault.HANDLE, errno, attributes, set);
    }

    /** {@code int sigemptyset(sigset_t *)}. */
    public static int sigemptyset(MemorySegment errno, long set) {
        return call(Sigemptyset.HANDLE, errno, set);
    }

    /** {@code int sigfillset(sigset_t *)}. */
    public static int sigfillset(MemorySegment errno, long set) {
        return call(Sigfillset.HANDLE, errno, set);
    }

    /** {@code pid_t waitpid(pid_t, int *, int)}; waits in the kernel. */
    public static int waitpid(MemorySegment errno, int pid, long status, int options) {
        return call(Waitpid.HANDLE, errno, pid, status, options);
    }

    /** {@code int waitid(idtype_t, id_t, siginfo_t *, int)} for the end of one process, which is left to be waited for. */
    public static int waitid(MemorySegment errno, int pid, long siginfo) {
        return call(Waitid.HANDLE, errno, Constants.P_PID, pid, siginfo, Constants.WEXITED | Constants.WNOWAIT);
    }

    /** {@code int kill(pid_t, int)}. */
    public static int kill(MemorySegment errno, int pid, int signal) {
        return call(Kill.HANDLE, errno, pid, signal);
    }

    private static final class PosixSpawn {
        static final MethodHandle HANDLE = Calls.bind("posix_spawn");
    }

    private static final class ActionsInit {
        static final MethodHandle HANDLE = Calls.bind("posix_spawn_file_actions_init");
    }

    private static final class ActionsDestroy {
        static final MethodHandle HANDLE = Calls.bind("posix_spawn_file_actions_destroy");
    }

    private static final class ActionsDup2 {
        static final MethodHandle HANDLE = Calls.bind("posix_spawn_file_actions_adddup2");
    }

    private static final class ActionsClose {
        static final MethodHandle HANDLE = Calls.bind("posix_spawn_file_actions_addclose");
    }

    private static final class ActionsCloseFrom {
        static final MethodHandle HANDLE = Calls.bind("posix_spawn_file_actions_addclosefrom_np");
    }

    private static final class ActionsFchdir {
        static final MethodHandle HANDLE = Calls.bind("posix_spawn_file_actions_addfchdir_np");
    }

    private static final class AttributesInit {
        static final MethodHandle HANDLE = Calls.bind("posix_spawnattr_init");
    }

    private static final class AttributesDestroy {
        static final MethodHandle HANDLE = Calls.bind("posix_spawnattr_destroy");
    }

    private static final class SetFlags {
        static final MethodHandle HANDLE = Calls.bind("posix_spawnattr_setflags");
    }

    private static final class SetSigmask {
        static final MethodHandle HANDLE = Calls.bind("posix_spawnattr_setsigmask");
    }

    private static final class SetSigdefault {
        static final MethodHandle HANDLE = Calls.bind("posix_spawnattr_setsigdefault");
    }

    private static final class Sigemptyset {
        static final MethodHandle HANDLE = Calls.bind("sigemptyset");
    }

    private static final class Sigfillset {
        static final MethodHandle HANDLE = Calls.bind("sigfillset");
    }

    private static final class Waitpid {
        static final MethodHandle HANDLE = Calls.bind("waitpid");
    }

    private static final class Waitid {
        static final MethodHandle HANDLE = Calls.bind("waitid");
    }

    private static final class Kill {
        static final MethodHandle HANDLE = Calls.bind("kill");
    }
}
