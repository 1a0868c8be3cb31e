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
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.function.BiFunction;

/**
 * The threads of this process as the kernel sees them. Holds a descriptor of /proc/self/task, so that it works after a chroot
 * that hides /proc; closed soon after, for with it one could leave the chroot.
 */
final class Threads implements AutoCloseable {
    private static final Path TASKS = Path.of("/proc/self/task");

    private final SecureDirectoryStream<Path> tasks;

    private Threads(SecureDirectoryStream<Path> tasks) {
        this.tasks = tasks;
    }

    static Threads open() throws PrivilegeException {
        try {
            DirectoryStream<Path> stream = Files.newDirectoryStream(TASKS);
            if (stream instanceof SecureDirectoryStream<Path> secure)
                return new Threads(secure);
            stream.close();
            throw new PrivilegeException("proof", TASKS + " cannot be held open on this system");
        } catch (IOException e) {
            throw e instanceof PrivilegeException known ? known : new PrivilegeException("proof", e);
        }
    }

    /**
     * Asks of every thread; may be called once.
     *
     * @param question
     *            given the thread's number and its status by the names of proc_pid_status(5), says what is wrong, or null
     */
    void prove(BiFunction<String, Map<String, String>, String> question) throws PrivilegeException {
        int seen = 0;
        try {
            for (Path task : tasks) {
                Map<String, String> status = status(task.getFileName());
                if (status.isEmpty())
                    continue;
                seen++;
                String wrong = question.apply(task.getFileName().toString(), status);
                if (wrong != null)
                    throw new PrivilegeException("proof", "thread " + task.getFileName() + " (" + status.get("Name")
                            + ") " + wrong);
            }
        } catch (IOException e) {
            throw e instanceof PrivilegeException known ? known : new PrivilegeException("proof", e);
        }
        if (seen == 0)
            throw new PrivilegeException("proof", TASKS + " shows no thread");
    }

    /** Empty for a thread that has ended. */
    private Map<String, String> status(Path task) throws IOException {
        Map<String, String> status = new HashMap<>();
        ByteBuffer buffer = ByteBuffer.allocate(1 << 16);
        try (SeekableByteChannel file = tasks.newByteChannel(task.resolve("status"), Set.of(StandardOpenOption.READ))) {
            while (file.read(buffer) > 0) {
                // a status is one read, mostly
            }
        } catch (NoSuchFileException _) {
            return status;
        } catch (IOException e) {
            // ESRCH: it ended between the open and the read.
            if (String.valueOf(e.getMessage()).contains("No such process"))
                return status;
            throw e;
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
            tasks.close();
        } catch (IOException e) {
            throw new PrivilegeException("proof", e);
        }
    }
}
