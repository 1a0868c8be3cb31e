package org.imsg.privsep.ops;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;

/** What only root can do in a test, and says so when it cannot. */
public final class Root {
    private Root() {}

    public static void required() throws IOException {
        assumeThat((int) Files.getAttribute(Path.of("/proc/self"), "unix:uid"))
                .as("the uid of root: this test needs it")
                .isZero();
    }

    /** A file system in memory, for the time of a test. */
    record Mounted(Path at) implements AutoCloseable {
        static Mounted on(Path directory) throws IOException {
            call("mount", "-t", "tmpfs", "imsg-privsep-test", directory.toString());
            return new Mounted(directory);
        }

        @Override
        public void close() throws IOException {
            call("umount", at.toString());
        }

        private static void call(String... command) throws IOException {
            try {
                assertThat(new ProcessBuilder(command).inheritIO().start().waitFor()).isZero();
            } catch (InterruptedException e) {
                throw new IOException(e);
            }
        }
    }

    static void give(Path file, int id) throws IOException {
        Files.setAttribute(file, "unix:uid", id, LinkOption.NOFOLLOW_LINKS);
        Files.setAttribute(file, "unix:gid", id, LinkOption.NOFOLLOW_LINKS);
    }

    static String owner(Path file) throws IOException {
        return Files.getAttribute(file, "unix:uid", LinkOption.NOFOLLOW_LINKS) + ":"
                + Files.getAttribute(file, "unix:gid", LinkOption.NOFOLLOW_LINKS);
    }
}
