package org.imsg.unix;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.file.Path;
import java.time.Duration;
import org.imsg.sys.Deadline;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The file of a lock, made by one listener and locked by another before that comes to it. */
@Timeout(60)
class PathLockTest {
    @TempDir
    Path directory;

    private Path socket;
    private Path file;

    @BeforeEach
    void name() {
        socket = directory.resolve("s");
        file = directory.resolve("s.lock");
    }

    private static void interruptWhileWaiting(PathLock maker) {
        Thread.currentThread().interrupt();
        try {
            assertThatExceptionOfType(InterruptedIOException.class).isThrownBy(() -> maker.lock(Deadline.FOREVER))
                    .withMessageEndingWith("s.lock");
        } finally {
            assertThat(Thread.interrupted()).isTrue();
        }
    }

    @Test
    void a_maker_that_is_interrupted_leaves_the_file_to_the_holder_who_removes_it() throws Exception {
        PathLock maker = PathLock.open(file);
        try (PathLock holder = PathLock.take(socket)) {
            interruptWhileWaiting(maker);
            assertThat(file).as("locked by " + holder).exists();
        }
        assertThat(file).doesNotExist();
    }

    @Test
    void a_maker_that_waits_too_long_leaves_the_file_to_the_holder_who_removes_it() throws Exception {
        PathLock maker = PathLock.open(file);
        try (PathLock _ = PathLock.take(socket)) {
            assertThatExceptionOfType(ErrnoException.class)
                    .isThrownBy(() -> maker.lock(Deadline.in(Duration.ofNanos(1))))
                    .satisfies(e -> assertThat(e.name()).isEqualTo("EAGAIN"));
        }
        assertThat(file).doesNotExist();
    }

    @Test
    void an_abandoned_file_is_removed_also_where_another_waiter_gave_up() throws Exception {
        PathLock maker = PathLock.open(file);
        PathLock second = PathLock.open(file);
        try (PathLock _ = PathLock.take(socket)) {
            interruptWhileWaiting(maker);
            interruptWhileWaiting(second);
        }
        assertThat(file).doesNotExist();
        takeAndClose();
        assertThat(file).doesNotExist();
    }

    private void takeAndClose() throws IOException {
        PathLock.take(socket).close();
    }
}
