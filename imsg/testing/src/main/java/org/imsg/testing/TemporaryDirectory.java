package org.imsg.testing;

import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermissions;
import org.junit.jupiter.api.extension.AnnotatedElementContext;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.io.TempDirFactory;

/**
 * Makes the directories that tests get with {@code @TempDir}. Their names are short, since the path of a socket has room for
 * 107 bytes, and tell this process's apart from those of others. JUnit uses it for every test by itself.
 */
public final class TemporaryDirectory implements TempDirFactory {
    private static final Path PARENT = Path.of(System.getProperty("java.io.tmpdir")).toAbsolutePath();
    private static final String PREFIX = "t" + ProcessHandle.current().pid() + "-";
    private static final FileAttribute<?> OWNER_ONLY = PosixFilePermissions
            .asFileAttribute(PosixFilePermissions.fromString("rwx------"));
    private static int made;

    /** For JUnit. */
    public TemporaryDirectory() {}

    @Override
    public Path createTempDirectory(AnnotatedElementContext element, ExtensionContext context) throws IOException {
        return make();
    }

    private static synchronized Path make() throws IOException {
        for (;;) {
            try {
                return Files.createDirectory(PARENT.resolve(PREFIX + made++), OWNER_ONLY);
            } catch (FileAlreadyExistsException _) {
                // left by an earlier process of the same number
            }
        }
    }

    /** Whether a path leads into a directory that this process made. */
    static boolean contains(Path path) {
        return path.startsWith(PARENT) && path.getNameCount() > PARENT.getNameCount()
                && path.getName(PARENT.getNameCount()).toString().startsWith(PREFIX);
    }
}
