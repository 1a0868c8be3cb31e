package org.imsg.privsep.rights;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SeekableByteChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.SecureDirectoryStream;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import org.imsg.unix.Errno;

/**
 * The threads of a process as the kernel sees them, of this one for a proof. Holds a descriptor of their directory in /proc, so that it works after a chroot
 * that hides /proc; closed soon after, for with it one could leave the chroot.
 */
final class Threads implements AutoCloseable {
    private static final Path TASKS = Path.of("/proc/self/task");

    /** More than any status. */
    private static final int MOST = 1 << 16;

    private final SecureDirectoryStream<Path> tasks;
    private final Map<String, SeekableByteChannel> held = new LinkedHashMap<>();

    private Threads(SecureDirectoryStream<Path> tasks) {
        this.tasks = tasks;
    }

    static Threads open() throws PrivilegeException {
        try {
            return in(TASKS);
        } catch (IOException e) {
            throw e instanceof PrivilegeException known ? known : new PrivilegeException("proof", e);
        }
    }

    /** Those of another process, by its directory in /proc. */
    static Threads of(Path process) throws IOException {
        return in(process.resolve("task"));
    }

    private static Threads in(Path tasks) throws IOException {
        DirectoryStream<Path> stream = Files.newDirectoryStream(tasks);
        if (stream instanceof SecureDirectoryStream<Path> secure)
            return new Threads(secure);
        stream.close();
        throw new PrivilegeException("proof", tasks + " cannot be held open on this system");
    }

    /**
     * Opens the status of every thread there is now: for a proof when no file can be opened any more. Threads started later have
     * what the one that started them had.
     */
    void hold() throws PrivilegeException {
        try {
            for (Path task : tasks) {
                try {
                    held.put(task.getFileName().toString(), open(task));
                } catch (IOException e) {
                    requireEnd(e);
                }
            }
        } catch (IOException e) {
            throw new PrivilegeException("proof", e);
        }
    }

    /** Throws what says something else than that a thread has ended: before its file was opened, while it was, or since. */
    static void requireEnd(IOException e) throws IOException {
        // ESRCH has no exception of its own.
        if (!(e instanceof NoSuchFileException)
                && !String.valueOf(e.getMessage()).contains(Errno.text(Errno.number("ESRCH"))))
            throw e;
    }

    /**
     * Asks of every thread, or of those held; may be called once.
     *
     * @param question given a thread's status by the names of proc_pid_status(5), says what is wrong, or null
     */
    void prove(Function<Map<String, String>, String> question) throws PrivilegeException {
        List<String> wrong = new ArrayList<>();
        if (differences(question, wrong) == 0)
            throw new PrivilegeException("proof", TASKS + " shows no thread");
        if (!wrong.isEmpty())
            throw new PrivilegeException("proof", wrong.getFirst());
    }

    /** Asks of every thread, and adds what is wrong; returns how many threads there are. */
    int differences(Function<Map<String, String>, String> question, List<String> wrong) throws PrivilegeException {
        int seen = 0;
        try {
            for (Map.Entry<String, SeekableByteChannel> thread : held.entrySet())
                seen += ask(thread.getKey(), status(thread.getValue()), question, wrong);
            if (!held.isEmpty())
                return seen;
            for (Path task : tasks)
                try (SeekableByteChannel file = open(task)) {
                    seen += ask(task.getFileName().toString(), status(file), question, wrong);
                } catch (IOException e) {
                    requireEnd(e);
                }
            return seen;
        } catch (IOException e) {
            throw e instanceof PrivilegeException known ? known : new PrivilegeException("proof", e);
        }
    }

    private static int ask(String thread, Map<String, String> status, Function<Map<String, String>, String> question,
            List<String> wrong) {
        String difference = status.isEmpty() ? null : question.apply(status);
        if (difference != null)
            wrong.add("thread " + thread + " (" + status.get("Name") + ") " + difference);
        return status.isEmpty() ? 0 : 1;
    }

    private SeekableByteChannel open(Path task) throws IOException {
        return tasks.newByteChannel(task.getFileName().resolve("status"), Set.of(StandardOpenOption.READ));
    }

    /** Empty for a thread that has ended. */
    private static Map<String, String> status(SeekableByteChannel file) throws IOException {
        Map<String, String> status = new HashMap<>();
        ByteBuffer buffer = ByteBuffer.allocate(MOST);
        try {
            file.position(0);
            while (file.read(buffer) > 0) {
                // a status is one read, mostly
            }
        } catch (IOException e) {
            requireEnd(e);
            return status;
        }
        for (String line : new String(buffer.array(), 0, buffer.position(), StandardCharsets.UTF_8).split("\n")) {
            int colon = line.indexOf(':');
            if (colon > 0)
                status.put(line.substring(0, colon), line.substring(colon + 1).strip());
        }
        return status;
    }

    @Override
    public void close() throws PrivilegeException {
        try {
            for (SeekableByteChannel one : held.values())
                one.close();
            tasks.close();
        } catch (IOException e) {
            throw new PrivilegeException("proof", e);
        }
    }
}
