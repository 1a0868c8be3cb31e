package org.imsg.privsep.rights;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.IntSupplier;
import java.util.concurrent.locks.ReentrantLock;
import org.imsg.sys.LinuxSyscalls;
import org.imsg.sys.Posix;
import org.imsg.sys.RawSyscall;
import org.jspecify.annotations.Nullable;

/**
 * A thread that gives up rights, starts a program with what is left, and ends. The kernel keeps rights, namespaces and the root
 * for each thread; the C library, which would carry some of them to all threads, is passed by.
 *
 * <p>A process that may signal or limit a thread may do so to its whole process. So a thread that acts as another user has only its
 * effective uid: its real and saved ones are those of an intermediate user that runs nothing, and the kernel asks for these.
 * Memory and tracing are closed by the dumpable flag, which a change of ids clears for the process until the thread is gone.
 */
final class ConfinedSpawn implements Runnable {
    /**
     * Such a thread must not live while the C library changes the ids of all threads, nor two of them while one of them looks
     * after the dumpable flag, which is the process's. Fair: a thread that starts one child after the other does not go before the rest.
     */
    static final ReentrantLock ONE_AT_A_TIME = new ReentrantLock(true);

    private static final Duration PATIENCE = Duration.ofSeconds(2);

    /** There is one once a child was started, to end its processes with. Guarded by the lock above. */
    private static @Nullable Standby standby;

    private final List<Step> steps;
    private final IntSupplier spawn;
    private final MemorySegment errno;
    private @Nullable Step current;
    private int result;
    private @Nullable Throwable thrown;
    private boolean spawned;
    private int thread;

    private ConfinedSpawn(List<Step> steps, IntSupplier spawn, Arena arena) {
        this.steps = steps;
        this.spawn = spawn;
        this.errno = Posix.errnoSegment(arena);
    }

    /** What {@code spawn} returned, called in a thread that went through all the steps. */
    static int run(List<Step> steps, IntSupplier spawn) throws PrivilegeException {
        ONE_AT_A_TIME.lock();
        try (Arena arena = Arena.ofShared()) {
            return run(new ConfinedSpawn(steps, spawn, arena));
        } finally {
            ONE_AT_A_TIME.unlock();
        }
    }

    private static int run(ConfinedSpawn work) throws PrivilegeException {
        // Links here what the thread calls.
        new Step.Unless(Step.Call.of("getpid", ""), 0).run(work.errno);
        int dumpable = Confining.prctl(Confining.PR_GET_DUMPABLE, 0);
        boolean gone = true;
        try {
            joined(started(work));
            gone = isGone(work.thread, PATIENCE);
            keepStandby();
        } finally {
            // A thread that changes its ids takes this flag away from the whole process.
            if (gone && (dumpable == 0 || dumpable == 1))
                Confining.prctl(Confining.PR_SET_DUMPABLE, dumpable);
        }
        return work.outcome();
    }

    @Override
    public void run() {
        try {
            thread = RawSyscall.call(errno, LinuxSyscalls.host().number("gettid"), 0, 0, 0);
            for (Step step : steps) {
                current = step;
                result = step.run(errno);
                if (result < 0)
                    return;
            }
            spawned = true;
            result = spawn.getAsInt();
        } catch (Throwable t) {
            thrown = t;
        }
    }

    private int outcome() throws PrivilegeException {
        if (thrown != null)
            throw new PrivilegeException(spawned ? "posix_spawn" : current.name(), thrown);
        if (!spawned)
            throw new PrivilegeException(current.name(), current.on(), -result);
        return result;
    }

    /**
     * Java calls a thread ended a little before the kernel does. While it is there with the ids of the child's user and the
     * process is dumpable, that user's other processes could get at this process's memory through it. Where processes come and go
     * fast, its number may be that of another thread by now, which is not waited for; the process stays as it is then.
     */
    static boolean isGone(int thread, Duration patience) {
        LinuxSyscalls calls = LinuxSyscalls.host();
        int pid = RawSyscall.call(calls.number("getpid"));
        long deadline = System.nanoTime() + patience.toNanos();
        while (RawSyscall.call(calls.number("tgkill"), pid, thread, 0) == 0) {
            if (System.nanoTime() - deadline > 0)
                return false;
            Thread.onSpinWait();
        }
        return true;
    }

    /** A thread made in advance, for when there is none to be had: it waits for one piece of work, does it and ends. */
    private static final class Standby {
        private final CompletableFuture<Runnable> work = new CompletableFuture<>();
        private final Thread thread = Thread.ofPlatform().daemon().name("imsg-standby")
                .start(() -> work.join().run());
    }

    private static void keepStandby() {
        try {
            if (standby == null)
                standby = new Standby();
        } catch (OutOfMemoryError _) {
            // The next start of a child tries again.
        }
    }

    private static Thread started(Runnable work) {
        try {
            return Thread.ofPlatform().name("imsg-confined-spawn").start(work);
        } catch (OutOfMemoryError e) {
            Standby ready = standby;
            if (ready == null)
                throw e;
            standby = null;
            ready.work.complete(work);
            return ready.thread;
        }
    }

    /** An interrupt waits: the thread takes milliseconds, and its child must not be lost. */
    private static void joined(Thread thread) {
        boolean interrupted = false;
        for (;;) {
            try {
                thread.join();
                break;
            } catch (InterruptedException _) {
                interrupted = true;
            }
        }
        if (interrupted)
            Thread.currentThread().interrupt();
    }
}
