package org.imsg.harness.debian;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Stream;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CachedDirectoryTest {
    @TempDir
    private Path parent;

    private int fillings;

    @Test
    void it_is_filled_once_and_then_kept() throws Exception {
        Path first = CachedDirectory.of(parent.resolve("d"), "stamp", this::fill);
        Path second = CachedDirectory.of(parent.resolve("d"), "stamp", this::fill);
        assertThat(fillings).isEqualTo(1);
        assertThat(second).isEqualTo(first).isDirectoryContaining("glob:**content");
        assertThat(names()).containsExactlyInAnyOrder("d", "d.lock");
    }

    @Test
    void another_stamp_has_it_filled_anew() throws Exception {
        CachedDirectory.of(parent.resolve("d"), "one package", this::fill);
        CachedDirectory.of(parent.resolve("d"), "two packages", this::fill);
        assertThat(fillings).isEqualTo(2);
        assertThat(parent.resolve("d/content")).hasContent("filled 2");
    }

    @Test
    void a_filling_that_fails_leaves_nothing_and_the_next_one_succeeds() throws Exception {
        assertThatExceptionOfType(PeerUnavailableException.class)
                .isThrownBy(() -> CachedDirectory.of(parent.resolve("d"), "stamp", (directory, scratch) -> {
                    fill(directory, scratch);
                    throw new PeerUnavailableException("half way");
                })).withMessage("half way");
        assertThat(names()).containsExactly("d.lock");
        CachedDirectory.of(parent.resolve("d"), "stamp", this::fill);
        assertThat(parent.resolve("d/content")).exists();
    }

    @Test
    void what_a_killed_filling_left_is_removed_without_following_its_links() throws Exception {
        Path precious = Files.writeString(parent.resolve("precious"), "kept");
        Path leftover = Files.createDirectories(parent.resolve("d.tmp-123/content"));
        Files.createSymbolicLink(leftover.resolve("link"), parent);
        CachedDirectory.of(parent.resolve("d"), "stamp", this::fill);
        assertThat(names()).containsExactlyInAnyOrder("d", "d.lock", "precious");
        assertThat(precious).hasContent("kept");
    }

    @Test
    void an_interrupted_filling_leaves_nothing() throws Exception {
        CountDownLatch filling = new CountDownLatch(1);
        AtomicReference<Throwable> thrown = new AtomicReference<>();
        Thread thread = Thread.ofPlatform().start(() -> {
            try {
                CachedDirectory.of(parent.resolve("d"), "stamp", (directory, scratch) -> {
                    fill(directory, scratch);
                    filling.countDown();
                    new CountDownLatch(1).await();
                });
            } catch (Exception e) {
                thrown.set(e);
            }
        });
        filling.await();
        thread.interrupt();
        thread.join();
        assertThat(thrown.get()).isInstanceOf(InterruptedException.class);
        assertThat(names()).containsExactly("d.lock");
    }

    @Test
    void of_several_programs_that_ask_at_once_one_fills_it() throws Exception {
        List<Process> programs = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
            programs.add(JavaProgram.start(CountingFiller.class, parent.toString()));
        }
        for (Process program : programs) {
            assertThat(new String(program.getInputStream().readAllBytes())).isEqualTo("ready\n");
            assertThat(program.waitFor()).isZero();
            program.getOutputStream().close();
        }
        assertThat(parent.resolve("count")).hasContent("filled\n");
    }

    private void fill(Path directory, Path scratch) throws IOException {
        fillings++;
        Files.writeString(scratch.resolve("download"), "temporary");
        Files.writeString(directory.resolve("content"), "filled " + fillings);
    }

    private List<String> names() throws IOException {
        try (Stream<Path> files = Files.list(parent)) {
            return files.map(file -> file.getFileName().toString()).toList();
        }
    }

    /** Fills a directory, and writes a line elsewhere for each time it does; waits inside until four have come. */
    static final class CountingFiller {
        private CountingFiller() {}

        public static void main(String[] arguments) throws Exception {
            Path parent = Path.of(arguments[0]);
            Path arrivals = Files.createDirectories(parent.resolve("arrivals"));
            Files.createFile(arrivals.resolve(Long.toString(ProcessHandle.current().pid())));
            CachedDirectory.of(parent.resolve("d"), "stamp", (_, _) -> {
                while (arrivals.toFile().list().length < 4) {
                    Thread.onSpinWait();
                }
                Files.writeString(parent.resolve("count"), "filled\n", StandardOpenOption.CREATE,
                        StandardOpenOption.APPEND);
            });
            System.out.println("ready");
        }
    }
}
