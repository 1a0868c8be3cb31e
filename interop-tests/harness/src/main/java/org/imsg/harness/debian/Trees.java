package org.imsg.harness.debian;

import java.io.IOException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** Removal of whole file trees, with the care that chroots need: no symbolic link is followed and no mount entered. */
final class Trees {
    private static final Duration PATIENCE = Duration.ofSeconds(10);

    private Trees() {}

    /**
     * Removes {@code tree} and everything in it; nothing happens if there is none. A program that was killed may write
     * for a moment still: the removal starts over for up to ten seconds.
     *
     * @throws IOException if something is mounted inside (a bind of {@code /dev} must not be emptied), or removal fails
     */
    static void delete(Path tree) throws IOException {
        refuseMounts(tree);
        long deadline = System.nanoTime() + PATIENCE.toNanos();
        while (Files.exists(tree, LinkOption.NOFOLLOW_LINKS)) {
            try {
                Files.walkFileTree(tree, new Deletion());
            } catch (DirectoryNotEmptyException | NoSuchFileException e) {
                if (System.nanoTime() > deadline) {
                    throw e;
                }
            }
        }
    }

    private static void refuseMounts(Path tree) throws IOException {
        if (!Files.exists(tree, LinkOption.NOFOLLOW_LINKS)) {
            return;
        }
        String prefix = tree.toRealPath() + "/";
        for (String line : Files.readAllLines(Path.of("/proc/self/mountinfo"))) {
            String mountPoint = line.split(" ")[4];
            if ((mountPoint + "/").startsWith(prefix)) {
                throw new IOException(tree + " is not removed: " + mountPoint + " is mounted there");
            }
        }
    }

    private static final class Deletion extends SimpleFileVisitor<Path> {
        @Override
        public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) throws IOException {
            Files.deleteIfExists(file);
            return FileVisitResult.CONTINUE;
        }

        @Override
        public FileVisitResult postVisitDirectory(Path directory, @Nullable IOException failure) throws IOException {
            if (failure != null) {
                throw failure;
            }
            Files.deleteIfExists(directory);
            return FileVisitResult.CONTINUE;
        }
    }
}
