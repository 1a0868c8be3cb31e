package org.imsg.unix;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.imsg.unix.OpenFlag.APPEND;
import static org.imsg.unix.OpenFlag.CREATE;
import static org.imsg.unix.OpenFlag.CREATE_NEW;
import static org.imsg.unix.OpenFlag.NOFOLLOW;
import static org.imsg.unix.OpenFlag.NONBLOCK;
import static org.imsg.unix.OpenFlag.READ;
import static org.imsg.unix.OpenFlag.READ_WRITE;
import static org.imsg.unix.OpenFlag.TRUNCATE;
import static org.imsg.unix.OpenFlag.WRITE;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.concurrent.atomic.AtomicReference;
import org.imsg.sys.OpenDescriptor;
import org.imsg.sys.RawSend;
import org.imsg.testing.Call;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class FdTest {
    @TempDir
    Path directory;

    private static void write(Fd fd, String text) throws IOException {
        try (FdChannel channel = new FdChannel(fd)) {
            channel.write(ByteBuffer.wrap(text.getBytes()));
        }
    }

    /** Whether the number is open, asked of the kernel. */
    private static boolean isOpen(int number) {
        return Files.exists(Path.of("/proc/self/fdinfo/" + number));
    }

    private static long flags(Fd fd) throws IOException {
        return Files.readAllLines(Path.of("/proc/self/fdinfo/" + fd.intValue())).stream()
                .filter(line -> line.startsWith("flags:"))
                .mapToLong(line -> Long.parseLong(line.substring(6).trim(), 8))
                .findFirst().orElseThrow();
    }

    @Test
    void files_are_created_emptied_appended_to_and_opened_for_what_is_asked() throws Exception {
        Path file = directory.resolve("file");
        write(Fd.open(file, WRITE, CREATE_NEW), "first");
        assertThat(file).hasContent("first");
        write(Fd.open(file, WRITE, APPEND), " second");
        assertThat(file).hasContent("first second");
        write(Fd.open(file, READ_WRITE), "FIRST");
        assertThat(file).hasContent("FIRST second");
        write(Fd.open(file, WRITE, TRUNCATE), "third");
        assertThat(file).hasContent("third");
        assertThatExceptionOfType(ErrnoException.class)
                .isThrownBy(() -> write(Fd.open(file, READ), "refused"))
                .satisfies(e -> assertThat(e.name()).isEqualTo("EBADF"));
        try (Fd nonblocking = Fd.open(file, READ, NONBLOCK)) {
            assertThat(flags(nonblocking) & 04000).isNotZero();
        }
    }

    @Test
    void a_file_that_is_created_gets_the_mode_asked_for() throws Exception {
        Path file = directory.resolve("file");
        Fd.open(file, 0600, WRITE, CREATE).close();
        assertThat(Files.getPosixFilePermissions(file)).isEqualTo(PosixFilePermissions.fromString("rw-------"));
    }

    @Test
    void a_file_that_cannot_be_opened_says_why() throws Exception {
        Path missing = directory.resolve("missing");
        assertThatExceptionOfType(ErrnoException.class).isThrownBy(() -> Fd.open(missing))
                .withMessage("open(" + missing + "): ENOENT (2): No such file or directory").satisfies(e -> {
                    assertThat(e.call()).isEqualTo("open");
                    assertThat(e.number()).isEqualTo(2).isEqualTo(Errno.number("ENOENT"));
                });
        Path link = Files.createSymbolicLink(directory.resolve("link"), Files.createFile(directory.resolve("file")));
        Fd.open(link).close();
        assertThatExceptionOfType(ErrnoException.class).isThrownBy(() -> Fd.open(link, NOFOLLOW))
                .satisfies(e -> assertThat(e.name()).isEqualTo("ELOOP"));
        assertThatExceptionOfType(ErrnoException.class).isThrownBy(() -> Fd.open(link, WRITE, CREATE_NEW))
                .satisfies(e -> assertThat(e.name()).isEqualTo("EEXIST"));
        assertThatIllegalArgumentException().isThrownBy(() -> Fd.open(link, READ, WRITE));
    }

    @Test
    void everything_opened_is_close_on_exec() throws Exception {
        try (Fd file = Fd.open(Path.of("/dev/null"));
                Fd.Pair pipe = Fd.pipe();
                Fd.Pair sockets = Fd.socketpair();
                Fd dup = file.dup()) {
            for (Fd fd : new Fd[]{file, pipe.first(), pipe.second(), sockets.first(), sockets.second(), dup})
                assertThat(flags(fd) & 02000000).as(fd.toString()).isNotZero();
        }
    }

    @Test
    void moving_hands_the_duty_to_close_on() throws Exception {
        Fd first = Fd.open(Path.of("/dev/null"));
        int number = first.intValue();
        try (Fd second = first.move()) {
            first.close();
            assertThat(first.isOpen()).isFalse();
            assertThat(second.intValue()).isEqualTo(number);
            assertThat(isOpen(number)).isTrue();
            assertThatIllegalStateException().isThrownBy(first::move).withMessageContaining("handed on");
            assertThatIllegalStateException().isThrownBy(first::release);
            assertThatIllegalStateException().isThrownBy(first::intValue);
            assertThatExceptionOfType(ClosedChannelException.class).isThrownBy(first::dup);
            assertThatExceptionOfType(ClosedChannelException.class).isThrownBy(first::enter);
            assertThat(first).hasToString("descriptor " + number + " (no longer owned)");
            assertThat(second).hasToString("descriptor " + number);
        }
        assertThat(isOpen(number)).isFalse();
    }

    @Test
    void a_number_given_away_is_taken_over_again() throws Exception {
        int number = Fd.open(Path.of("/dev/null")).release();
        assertThat(isOpen(number)).isTrue();
        Fd.of(number).close();
        assertThat(isOpen(number)).isFalse();
        assertThatIllegalArgumentException().isThrownBy(() -> Fd.of(-1));
    }

    @Test
    void closing_twice_closes_once() throws Exception {
        Fd fd = Fd.open(Path.of("/dev/null"));
        int number = fd.intValue();
        fd.close();
        try (Fd next = Fd.open(Path.of("/dev/null"))) {
            fd.close();
            assertThat(isOpen(next.intValue())).isTrue();
        }
        assertThat(number).isNotNegative();
    }

    @Test
    void a_duplicate_outlives_the_original() throws Exception {
        Path file = Files.writeString(directory.resolve("file"), "0123456789");
        Fd original = Fd.open(file);
        try (FdChannel duplicate = new FdChannel(original.dup())) {
            ByteBuffer half = ByteBuffer.allocate(5);
            try (FdChannel reader = new FdChannel(original)) {
                reader.read(half);
            }
            duplicate.read(half.clear());
            assertThat(new String(half.array())).isEqualTo("56789");
        }
    }

    @Test
    void a_number_is_not_used_again_while_a_thread_is_inside() throws Exception {
        try (Fd.Pair pair = Fd.socketpair()) {
            Fd fd = pair.first();
            int number = OpenDescriptor.of(fd).enter();
            OpenDescriptor.of(fd).enter();
            fd.close();
            assertThat(fd.isOpen()).isFalse();
            assertThatExceptionOfType(ClosedChannelException.class).isThrownBy(() -> OpenDescriptor.of(fd).enter());
            OpenDescriptor.of(fd).exit();
            assertThat(isOpen(number)).isTrue();
            assertThat(RawSend.send(pair.second().intValue(), new byte[1])).as("the socket lives on").isEqualTo(1);
            OpenDescriptor.of(fd).exit();
            assertThat(RawSend.send(number, new byte[1])).isEqualTo(-Errno.number("EBADF"));
        }
    }

    @Test
    void a_descriptor_in_use_is_not_handed_on() throws Exception {
        try (Fd fd = Fd.open(Path.of("/dev/null"))) {
            OpenDescriptor.of(fd).enter();
            assertThatIllegalStateException().isThrownBy(fd::move).withMessageContaining("in use");
            OpenDescriptor.of(fd).exit();
            fd.move().close();
        }
    }

    /** Needs a thread to lose its processor at the wrong moment, which ten times as many rounds show two times in three. */
    @Test
    void closing_never_touches_the_file_that_got_the_number_next() throws Exception {
        int rounds = 2_000;
        AtomicReference<Fd> left = new AtomicReference<>();
        AtomicReference<Fd.Pair> opened = new AtomicReference<>();
        Call<Void> insider = Call.start(Call.On.PLATFORM, () -> {
            for (int i = 0; i < rounds; i++) {
                Fd fd;
                while ((fd = left.getAndSet(null)) == null)
                    Thread.yield();
                OpenDescriptor.of(fd).exit();
                opened.set(Fd.socketpair());
            }
            return null;
        });
        for (int i = 0; i < rounds; i++) {
            try (Fd.Pair pair = Fd.socketpair()) {
                OpenDescriptor.of(pair.first()).enter();
                left.set(pair.first());
                pair.first().close();
                Fd.Pair innocent;
                while ((innocent = opened.getAndSet(null)) == null)
                    Thread.yield();
                assertThat(RawSend.send(innocent.first().intValue(), new byte[1])).isEqualTo(1);
                innocent.close();
            }
        }
        insider.result();
    }
}
