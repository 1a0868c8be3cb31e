package org.imsg.privsep.ops;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import org.imsg.sys.Constants;
import org.imsg.unix.ErrnoException;
import org.imsg.unix.Fd;
import org.imsg.unix.FdChannel;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Both ways to stay beneath a directory, held to the same. */
class BeneathTest {
    private static final int SWAPS = 1000;

    @TempDir
    Path directory;
    private Path root;
    private Path outside;

    @BeforeEach
    void plant() throws IOException {
        root = Files.createDirectories(directory.resolve("root"));
        outside = Files.createDirectories(directory.resolve("outside"));
        Files.createDirectories(root.resolve("a/b"));
        Files.writeString(root.resolve("a/b/file"), "inside");
        Files.writeString(outside.resolve("file"), "outside");
    }

    private static void available(Beneath way) {
        assumeThat(way == Beneath.WALK || Beneath.best() == Beneath.OPENAT2).as("a kernel with openat2").isTrue();
    }

    private String read(Beneath way, String relative) throws IOException {
        try (Fd top = Beneath.directory(root.toString());
                FdChannel file = new FdChannel(way.open(top, relative, Constants.O_RDONLY, 0, true))) {
            ByteBuffer bytes = ByteBuffer.allocate(100);
            file.read(bytes);
            return StandardCharsets.UTF_8.decode(bytes.flip()).toString();
        }
    }

    private void assertEscape(Beneath way, String relative) {
        assertThatExceptionOfType(ErrnoException.class).as(relative).isThrownBy(() -> read(way, relative))
                .matches(Beneath::isEscape);
    }

    @Test
    void this_kernel_has_openat2() {
        assumeThat(System.getProperty("os.name")).isEqualTo("Linux");
        assertThat(Beneath.best()).isEqualTo(Beneath.OPENAT2);
    }

    @ParameterizedTest
    @EnumSource
    void what_lies_beneath_is_opened(Beneath way) throws IOException {
        available(way);
        assertThat(read(way, "a/b/file")).isEqualTo("inside");
    }

    @ParameterizedTest
    @EnumSource
    void no_symbolic_link_is_followed_wherever_it_stands_and_leads(Beneath way) throws IOException {
        available(way);
        Files.createSymbolicLink(root.resolve("first"), outside);
        Files.createSymbolicLink(root.resolve("a/last"), outside.resolve("file"));
        Files.createSymbolicLink(root.resolve("a/relative"), Path.of("../../outside/file"));
        Files.createSymbolicLink(root.resolve("a/harmless"), Path.of("b"));
        for (String path : new String[]{"first/file", "a/last", "a/relative", "a/harmless/file"})
            assertEscape(way, path);
    }

    /** No such path comes so far; but where the kernel looks too, it is to refuse. */
    @ParameterizedTest
    @ValueSource(strings = {"../outside/file", "a/../../outside/file", "/etc/passwd"})
    void openat2_refuses_a_path_that_leads_outside_without_a_link(String path) {
        available(Beneath.OPENAT2);
        assertEscape(Beneath.OPENAT2, path);
    }

    @ParameterizedTest
    @EnumSource
    void a_file_is_not_made_through_a_link(Beneath way) throws IOException {
        available(way);
        Files.createSymbolicLink(root.resolve("dangling"), outside.resolve("made"));
        try (Fd top = Beneath.directory(root.toString())) {
            assertThatExceptionOfType(ErrnoException.class)
                    .isThrownBy(() -> way.open(top, "dangling", Constants.O_WRONLY | Constants.O_CREAT, 0600, true))
                    .matches(Beneath::isEscape);
            way.open(top, "a/made", Constants.O_WRONLY | Constants.O_CREAT, 0600, true).close();
        }
        assertThat(outside.resolve("made")).doesNotExist();
        assertThat(root.resolve("a/made")).isRegularFile();
    }

    @ParameterizedTest
    @EnumSource
    void magic_links_of_proc_lead_nowhere(Beneath way) throws IOException {
        available(way);
        assumeThat(Path.of("/proc/self/root")).exists();
        root = Path.of("/proc/self");
        try (Fd held = Fd.open(outside.resolve("file"))) {
            for (String path : new String[]{"root/etc/hostname", "cwd/pom.xml", "fd/" + held.intValue(), "exe"})
                assertEscape(way, path);
        }
    }

    /** The directory and a link to the outside change places all the time; every open gets the inside or an error. */
    @ParameterizedTest
    @EnumSource
    void nothing_outside_is_reached_while_a_directory_and_a_link_trade_places(Beneath way) throws Exception {
        available(way);
        Path swapped = root.resolve("a");
        Path hidden = directory.resolve("hidden");
        Path link = directory.resolve("link");
        Files.createDirectory(outside.resolve("b"));
        Files.writeString(outside.resolve("b/file"), "outside");
        Files.createSymbolicLink(link, outside);
        int reached = 0;
        int denied = 0;
        try (Repeatedly _ = new Repeatedly(() -> {
            Files.move(swapped, hidden);
            Files.move(link, swapped, StandardCopyOption.ATOMIC_MOVE);
            Files.move(swapped, link, StandardCopyOption.ATOMIC_MOVE);
            Files.move(hidden, swapped);
        })) {
            // Until both were seen often enough: then the opens did meet the swaps.
            for (int i = 0; i < SWAPS || (reached < 20 || denied < 20) && i < 50 * SWAPS; i++) {
                try {
                    assertThat(read(way, "a/b/file")).as("attempt " + i).isEqualTo("inside");
                    reached++;
                } catch (ErrnoException _) {
                    denied++;
                }
            }
        }
        assertThat(reached).as("opens that found the directory").isGreaterThanOrEqualTo(20);
        assertThat(denied).as("opens that met the link or nothing").isGreaterThanOrEqualTo(20);
    }
}
