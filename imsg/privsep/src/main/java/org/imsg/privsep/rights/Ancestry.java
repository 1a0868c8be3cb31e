package org.imsg.privsep.rights;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.function.LongUnaryOperator;
import org.imsg.sys.LinuxSyscalls;
import org.imsg.sys.Os;
import org.imsg.sys.RawSyscall;

/** Whose descendant a process is, while processes end and are adopted. */
public final class Ancestry {
    private static final long GONE = -1;
    private static final int TRIES = 1000;
    private static final int ESRCH = 3;

    private Ancestry() {}

    /**
     * Tells whether a process descends from this one, or may do: of one that is gone, or whose ancestors never stay, it cannot be told.
     *
     * @param pid the process
     * @return true also for one of which it cannot be told; false for this process itself
     */
    public static boolean isOfThisProgram(long pid) {
        return descends(pid, ProcessHandle.current().pid(), Ancestry::parent);
    }

    /**
     * Walks up, and again from the start when a process on the way has gone: its children have another parent then.
     *
     * @param parent the parent of a process, 0 if it has none that can be seen, -1 if the process is gone
     */
    static boolean descends(long pid, long ancestor, LongUnaryOperator parent) {
        if (pid == ancestor)
            return false;
        for (int tries = 0; tries < TRIES; tries++) {
            long each = parent.applyAsLong(pid);
            if (each == GONE)
                return true;
            while (each > 0 && each != ancestor)
                each = parent.applyAsLong(each);
            if (each != GONE)
                return each == ancestor;
        }
        return true;
    }

    private static long parent(long pid) {
        if (Os.current() != Os.LINUX)
            return ProcessHandle.of(pid).map(process -> process.parent().map(ProcessHandle::pid).orElse(0L))
                    .orElse(GONE);
        try {
            String stat = Files.readString(Path.of("/proc/" + pid + "/stat"), StandardCharsets.ISO_8859_1);
            // Behind the name, which may have anything in it, and the state.
            return Long.parseLong(stat.substring(stat.lastIndexOf(')') + 2).split(" ")[1]);
        } catch (NoSuchFileException _) {
            // Gone, or hidden from this user: its children are not.
            return RawSyscall.call(LinuxSyscalls.host().number("kill"), pid, 0, 0, 0) == -ESRCH ? GONE : 0;
        } catch (IOException _) {
            return GONE;
        }
    }
}
