package org.imsg.privsep.ops;

import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import org.imsg.privsep.rights.Broadcast;
import org.imsg.privsep.rights.PrivilegeException;
import org.imsg.sys.OpenDescriptor;
import org.imsg.sys.Constants;
import org.imsg.sys.Pidfd;
import org.imsg.sys.Readiness;
import org.imsg.unix.ErrnoException;
import org.imsg.unix.Fd;

/**
 * Finds the processes of one user in /proc, and ends them. A process is the user's if that is its real, effective, saved or file
 * system uid; a process that has ended and waits for its parent does not count.
 */
final class UserProcesses {
    private static final Path PROC = Path.of("/proc");
    private static final Duration PATIENCE = Duration.ofSeconds(5);
    private static final long PAUSE_NANOS = 1_000_000;
    private static final int SIGKILL = 9;
    /** Each takes a descriptor until it has ended. */
    private static final int AT_A_TIME = 16;
    /** Uids without processes: one of them is the real uid of the thread that kills. The last are for containers with few ids. */
    private static final int[] UNUSED = {0xFFFF_FFFD, 0xFFFF_FFFC, 65_532, 65_531};
    /** The ends of many runs take one place among those that start children. */
    private static final ReentrantLock AT_ONCE = new ReentrantLock(true);
    private static final Logger LOG = System.getLogger(UserProcesses.class.getName());

    private UserProcesses() {}

    static boolean exist(int uid) throws IOException {
        return !of(uid).isEmpty();
    }

    /** Kills them all, and those they start meanwhile; returns false if some are still there after five seconds. */
    static boolean end(int uid) throws IOException {
        long deadline = System.nanoTime() + PATIENCE.toNanos();
        boolean atOnce = killAtOnce(uid);
        // Those that are ending, and those that came after where not all could be killed at once: none may be seen of a chain of forks.
        for (List<Integer> left; !(left = of(uid)).isEmpty() || !atOnce;) {
            if (System.nanoTime() - deadline > 0)
                return false;
            if (left.isEmpty())
                LockSupport.parkNanos(PAUSE_NANOS);
            atOnce = atOnce || killAtOnce(uid);
            List<Fd> killed = new ArrayList<>();
            try {
                for (int pid : left.subList(0, Math.min(left.size(), AT_A_TIME)))
                    kill(pid, uid, killed);
                for (Fd each : killed)
                    OpenDescriptor.of(each).await(Readiness.READABLE, deadline);
            } finally {
                killed.forEach(Fd::close);
            }
        }
        return true;
    }

    /** Kills them all in one call, for a process that forks faster than /proc can be read is not seen there. */
    private static boolean killAtOnce(int uid) throws IOException {
        AT_ONCE.lock();
        try {
            return killAtOnceInTurn(uid);
        } finally {
            AT_ONCE.unlock();
        }
    }

    private static boolean killAtOnceInTurn(int uid) throws IOException {
        for (int unused : UNUSED) {
            if (unused == uid || isUsed(unused))
                continue;
            try {
                Broadcast.kill(Integer.toUnsignedLong(uid), Integer.toUnsignedLong(unused));
                return true;
            } catch (OutOfMemoryError e) {
                // They have used up the machine's threads: there is one when some of them have ended.
                LOG.log(Level.DEBUG, "no thread to kill the processes of uid {0} at once",
                        Integer.toUnsignedString(uid));
                return false;
            } catch (PrivilegeException e) {
                // EINVAL: this user namespace has no such user. Without the right to change ids, only its own processes run.
                LOG.log(Level.DEBUG, "the processes of uid {0} are killed one by one: {1}",
                        Integer.toUnsignedString(uid), e.getMessage());
            }
        }
        return true;
    }

    /** They are killed, too, while no descriptor is free to read /proc with: no system gives the first of them to anybody. */
    private static boolean isUsed(int unused) throws IOException {
        try {
            return exist(unused);
        } catch (IOException e) {
            if (unused == UNUSED[0])
                return false;
            throw e;
        }
    }

    private static void kill(int pid, int uid, List<Fd> killed) throws IOException {
        int number = Pidfd.pidfd_open(pid);
        if (number < 0)
            return;
        Fd process = Fd.of(number);
        killed.add(process);
        // The number may be another process's by now, but not the descriptor's.
        if (!belongsTo(PROC.resolve(Integer.toString(pid)), uid))
            return;
        int result = Pidfd.pidfd_send_signal(number, SIGKILL);
        if (result == -Constants.EPERM)
            throw new ErrnoException("pidfd_send_signal", pid, -result);
    }

    /** Looks twice: a process that comes and goes may slip through the first time. */
    private static List<Integer> of(int uid) throws IOException {
        List<Integer> found = scan(uid);
        return found.isEmpty() ? scan(uid) : found;
    }

    private static List<Integer> scan(int uid) throws IOException {
        List<Integer> pids = new ArrayList<>();
        for (Path process : numbered(PROC))
            if (belongsTo(process, uid) && lives(process))
                pids.add(Integer.valueOf(process.getFileName().toString()));
        return pids;
    }

    /** Looks at every thread: a process whose first thread has ended is called a zombie while others run. */
    private static boolean lives(Path process) throws IOException {
        List<Path> tasks;
        try {
            tasks = numbered(process.resolve("task"));
        } catch (IOException e) {
            return stillThere(process, e);
        }
        for (Path task : tasks)
            if (!status(task, "State:").matches("\\s*[ZX].*|"))
                return true;
        return false;
    }

    private static boolean belongsTo(Path process, int uid) throws IOException {
        String wanted = Integer.toUnsignedString(uid);
        return List.of(status(process, "Uid:").strip().split("\\s+")).contains(wanted);
    }

    /** Reads the text behind a word in the status file; it is empty if the process is gone. */
    private static String status(Path process, String word) throws IOException {
        try {
            return Files.readAllLines(process.resolve("status"), StandardCharsets.ISO_8859_1).stream()
                    .filter(line -> line.startsWith(word)).findFirst().map(line -> line.substring(word.length()))
                    .orElse("");
        } catch (IOException e) {
            stillThere(process, e);
            return "";
        }
    }

    /** Returns false if a process is gone; a process that cannot be read is not. */
    private static boolean stillThere(Path process, IOException why) throws IOException {
        if (Files.notExists(process))
            return false;
        throw why;
    }

    private static List<Path> numbered(Path directory) throws IOException {
        List<Path> found = new ArrayList<>();
        try (DirectoryStream<Path> entries = Files.newDirectoryStream(directory,
                path -> path.getFileName().toString().chars().allMatch(Character::isDigit))) {
            entries.forEach(found::add);
        } catch (DirectoryIteratorException e) {
            throw e.getCause();
        }
        return found;
    }
}
