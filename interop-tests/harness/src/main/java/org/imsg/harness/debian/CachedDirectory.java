package org.imsg.harness.debian;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.FileLockInterruptionException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;
import java.util.stream.Stream;

/**
 * A directory that is expensive to fill: made once, complete or absent at any moment, whoever is interrupted. It is
 * filled under another name and renamed when done. A stamp inside says from what it was made; with another stamp it is
 * made anew. Several threads and several programs may ask for it at once: one makes it, the others wait.
 */
final class CachedDirectory {
    private static final String STAMP = ".imsg-stamp";
    private static final ReentrantLock WITHIN_THIS_JVM = new ReentrantLock();

    private CachedDirectory() {}

    /** Fills a directory. */
    @FunctionalInterface
    interface Filling {
        /**
         * Fills {@code directory}, which exists and is empty. Files in {@code scratch} are thrown away afterwards,
         * also when this program does not live to see it.
         */
        void fill(Path directory, Path scratch) throws IOException, InterruptedException, PeerUnavailableException;
    }

    /**
     * Returns {@code directory}, filled now if it is not there with this stamp.
     *
     * @throws IOException if a file operation fails
     * @throws InterruptedException if interrupted while waiting or filling; nothing is left half done
     * @throws PeerUnavailableException if the filling says so
     */
    static Path of(Path directory, String stamp, Filling filling)
            throws IOException, InterruptedException, PeerUnavailableException {
        Files.createDirectories(directory.getParent());
        WITHIN_THIS_JVM.lockInterruptibly();
        Path lockFile = directory.resolveSibling(directory.getFileName() + ".lock");
        try (FileChannel file = FileChannel.open(lockFile, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
                FileLock _ = file.lock()) {
            for (Path leftover : leftovers(directory)) {
                Trees.delete(leftover);
            }
            if (!isComplete(directory, stamp)) {
                fill(directory, stamp, filling);
            }
            return directory;
        } catch (FileLockInterruptionException e) {
            Thread.interrupted();
            throw (InterruptedException) new InterruptedException("waiting for " + lockFile).initCause(e);
        } finally {
            WITHIN_THIS_JVM.unlock();
        }
    }

    private static void fill(Path directory, String stamp, Filling filling)
            throws IOException, InterruptedException, PeerUnavailableException {
        Path temporary = Files.createTempDirectory(directory.getParent(), temporaryPrefix(directory));
        try {
            // Programs in the chroot that run as another user pass through here.
            Files.setPosixFilePermissions(temporary,
                    PosixFilePermissions.fromString("rwxr-xr-x"));
            Path content = Files.createDirectory(temporary.resolve("content"));
            filling.fill(content, Files.createDirectory(temporary.resolve("scratch")));
            Files.writeString(content.resolve(STAMP), stamp);
            Trees.delete(directory);
            Files.move(content, directory, StandardCopyOption.ATOMIC_MOVE);
        } finally {
            Trees.delete(temporary);
        }
    }

    private static boolean isComplete(Path directory, String stamp) throws IOException {
        Path file = directory.resolve(STAMP);
        return Files.exists(file) && Files.readString(file).equals(stamp);
    }

    private static List<Path> leftovers(Path directory) throws IOException {
        try (Stream<Path> siblings = Files.list(directory.getParent())) {
            return siblings.filter(file -> file.getFileName().toString().startsWith(temporaryPrefix(directory)))
                    .toList();
        }
    }

    private static String temporaryPrefix(Path directory) {
        return directory.getFileName() + ".tmp-";
    }
}
