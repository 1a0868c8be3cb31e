package org.imsg.examples.master;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import org.imsg.examples.master.Service.Program;

/**
 * The queue: a file a message. It is {@code unfinished} while cleanup writes it, {@code incoming} from when its sender is told that it is
 * queued, and {@code decided} from when a delivery attempt has the whole text beside the mailbox. Each step is one rename, and so is the one to
 * {@code undelivered}, where a message stays that cannot be delivered.
 */
record Spool(Path unfinished, Path incoming, Path decided, Path undelivered) {
    /** The root of cleanup and qmgr. */
    static final Spool OF_ROOT = in(Path.of("/"));

    static Spool in(Path directory) {
        return new Spool(directory.resolve("unfinished"), directory.resolve("incoming"), directory.resolve("decided"),
                directory.resolve("undelivered"));
    }

    /** An empty directory, the root of a process that needs no file. */
    static Path empty(Path directory) {
        return directory.resolve("empty");
    }

    /** Makes the directories, each for the users who work there, and the root of all mailboxes. */
    static void make(Path directory, Path mail, List<Service> services) throws IOException {
        Spool spool = in(directory);
        int cleanup = uid(Program.CLEANUP, services);
        int qmgr = uid(Program.QMGR, services);
        make(directory, 0, 0, 0755);
        make(empty(directory), 0, 0, 0755);
        // A file has the group of its directory, so that qmgr may read what cleanup has made.
        make(spool.unfinished, cleanup, qmgr, 02710);
        make(spool.incoming, cleanup, qmgr, 02770);
        make(spool.decided, qmgr, qmgr, 0700);
        make(spool.undelivered, qmgr, qmgr, 0700);
        int deliver = uid(Program.DELIVER, services);
        make(mail, deliver, deliver, 0700);
    }

    private static int uid(Program program, List<Service> services) {
        return (int) services.stream().filter(service -> service.program() == program).findFirst()
                .orElseThrow(() -> new IllegalArgumentException("no service in the table runs " + program)).uid();
    }

    private static void make(Path directory, int uid, int gid, int mode) throws IOException {
        Files.createDirectories(directory);
        Files.setAttribute(directory, "unix:uid", uid);
        Files.setAttribute(directory, "unix:gid", gid);
        Files.setAttribute(directory, "unix:mode", mode);
    }

    /** Removes what processes have left that were killed while they wrote: the time of a request was over long ago. */
    void removeLeft() throws IOException {
        FileTime then = FileTime.from(Instant.now().minus(Duration.ofHours(1)));
        try (DirectoryStream<Path> files = Files.newDirectoryStream(unfinished)) {
            for (Path file : files)
                if (Files.getLastModifiedTime(file).compareTo(then) < 0)
                    Files.deleteIfExists(file);
        } catch (NoSuchFileException _) {
            // Another process has removed it.
        }
    }

    /** Returns when the names in a directory are on the disk. */
    static void sync(Path directory) throws IOException {
        try (FileChannel names = FileChannel.open(directory, StandardOpenOption.READ)) {
            names.force(true);
        }
    }
}
