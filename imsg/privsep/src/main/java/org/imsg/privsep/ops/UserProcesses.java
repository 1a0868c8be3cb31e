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
import org.imsg.privsep.rights.Broadcast;
import org.imsg.privsep.rights.PrivilegeException;
import org.imsg.sys.OpenDescriptor;
import org.imsg.sys.Constants;
import org.imsg.sys.Pidfd;
import org.imsg.sys.Readiness;
import org.imsg.unix.ErrnoException;
import org.imsg.unix.Fd;

/**
 * The processes of one user, by what /proc says of them, and their end. A user counts as having a process if that has the uid as
 * its real, effective, saved or file system uid; what has ended and waits for its parent does not count.
 */
final class UserProcesses {
    private static final Path PROC = Path.of("/proc");
    private static final Duration PATIENCE = Duration.ofSeconds(5);
    private static final int SIGKILL = 9;
    /** Users whom nobody uses: one of them is who the killing thread really is. The last are for containers with few ids. */
    private static final int[] NOBODIES = {0xFFFF_FFFD, 0xFFFF_FFFC, 65_532, 65_531};
    private static final Logger LOG = System.getLogger(UserProcesses.class.getName());

    private UserProcesses() {}

    static boolean exist(int uid) throws IOException {
        return !of(uid).isEmpty();
    }

    /** Kills them all, and those they start meanwhile; false if some are still there after five seconds. */
    static boolean end(int uid) throws IOException {
        long deadline = System.nanoTime() + PATIENCE.toNanos();
        killAtOnce(uid);
        // Those that are ending; and, where not all could be killed at once, those that came after.
        for (List<Integer> left; !(left = of(uid)).isEmpty();) {
            if (System.nanoTime() - deadline > 0)
                return false;
            List<Fd> killed = new ArrayList<>();
            try {
                for (int pid : left)
                    kill(pid, uid, killed);
                for (Fd each : killed)
                    OpenDescriptor.of(each).await(Readiness.READABLE, deadline);
            } finally {
                killed.forEach(Fd::close);
            }
        }
        return true;
    }

    /** What forks faster than /proc can be read is not even seen there. */
    private static void killAtOnce(int uid) throws IOException {
        for (int nobody : NOBODIES) {
            if (nobody == uid || exist(nobody))
                continue;
            try {
                Broadcast.kill(Integer.toUnsignedLong(uid), Integer.toUnsignedLong(nobody));
                return;
            } catch (PrivilegeException e) {
                // EINVAL: this user namespace has no such user. Without the right to change ids, nobody else's processes run.
                LOG.log(Level.DEBUG, "the processes of uid {0} are killed one by one: {1}",
                        Integer.toUnsignedString(uid), e.getMessage());
            }
        }
    }

    private static void kill(int pid, int uid, List<Fd> killed) throws IOException {
        int number = Pidfd.pidfd_open(pid);
        if (number < 0)
            return;
        Fd process = Fd.of(number);
        killed.add(process);
        // The number may be another's by now, but not that of what was just opened.
        if (!belongsTo(PROC.resolve(Integer.toString(pid)), uid))
            return;
        int result = Pidfd.pidfd_send_signal(number, SIGKILL);
        if (result == -Constants.EPERM)
            throw new ErrnoException("pidfd_send_signal", pid, -result);
    }

    /** Looked for twice: one that comes and goes may slip through the first time. */
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

    /** A process whose first thread has ended is called a zombie while others of its threads run. */
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

    /** What stands behind a word in the status file, or nothing if the process is gone. */
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

    /** False if a process is gone; one of which nothing can be told is no reason to take it for gone. */
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
