package org.imsg.privsep.rights;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.imsg.sys.Constants;
import org.imsg.sys.Posix;
import org.imsg.testing.ProcStatus;
import org.imsg.unix.ErrnoException;
import org.imsg.unix.Fd;
import org.imsg.unix.UnixAddress;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class SystemdStartTest {
    @TempDir
    private Path directory;

    /** The shell knows the process id before java has it. */
    private static RunningSubject service(String notify, Map<Integer, Fd> passed, String names)
            throws IOException {
        List<String> arguments = new ArrayList<>(List.of("-c", "LISTEN_PID=$$ exec \"$@\"", "sh",
                Path.of(System.getProperty("java.home"), "bin", "java").toString()));
        arguments.addAll(RunningSubject.command());
        return RunningSubject.startProgram(program -> {
            passed.forEach(program::descriptor);
            return program.environment("LISTEN_FDS", Integer.toString(passed.size()))
                    .environment("LISTEN_FDNAMES", names)
                    .environment("NOTIFY_SOCKET", notify).start();
        }, Path.of("/bin/sh"), arguments);
    }

    @Test
    void descriptors_are_taken_over_by_name_and_readiness_is_reported() throws Exception {
        Path socket = directory.resolve("notify");
        try (NotifySocket listener = NotifySocket.at(UnixAddress.of(socket));
                Fd null1 = Fd.open(Path.of("/dev/null"));
                RunningSubject service = service(socket.toString(), Map.of(3, null1, 4, null1), "http:")) {
            assertThat(service.ask("systemd")).as("close-on-exec, both").isEqualTo("[http=1, unknown=1] true");
            assertThat(listener.receive()).isEqualTo("READY=1");
            assertThat(listener.receive()).isEqualTo("STATUS=serving");
        }
    }

    @Test
    void readiness_is_reported_from_a_chroot_without_rights_to_an_abstract_name() throws Exception {
        assumeThat(Ids.current().isRoot()).as("root, to have something to give up").isTrue();
        Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString("rwxr-xr-x"));
        String name = "imsg-notify-" + ProcessHandle.current().pid();
        try (NotifySocket listener = NotifySocket.at(UnixAddress.ofAbstract(name));
                RunningSubject service = service("@" + name, Map.of(), "")) {
            assertThat(service.ask("systemd 64001 " + directory)).isEqualTo("[] true");
            assertThat(listener.receive()).isEqualTo("READY=1");
        }
    }

    @Test
    void what_is_meant_for_another_process_is_not_taken() throws Exception {
        try (SystemdStart start = SystemdStart.take(Map.of("LISTEN_PID", "17", "LISTEN_FDS", "1"), 18)) {
            assertThat(start.descriptors()).isEmpty();
            assertThat(start.descriptor("http")).isEmpty();
            assertThat(start.isNotified()).isFalse();
            start.ready();
        }
    }

    @Test
    void variables_that_make_no_sense_are_refused() {
        for (String count : List.of("", "-1", "x", "9999999"))
            assertThatExceptionOfType(IOException.class)
                    .isThrownBy(() -> SystemdStart.take(Map.of("LISTEN_PID", "18", "LISTEN_FDS", count), 18))
                    .withMessageContaining("LISTEN_FDS is \"" + count);
        assertThatExceptionOfType(IOException.class)
                .isThrownBy(() -> SystemdStart.take(Map.of("NOTIFY_SOCKET", "vsock:2:1234"), 18))
                .withMessageContaining("vsock:2:1234");
        assertThatExceptionOfType(ErrnoException.class)
                .isThrownBy(() -> SystemdStart.take(Map.of("NOTIFY_SOCKET", directory + "/nobody"), 18))
                .withMessageContaining("ENOENT");
    }

    @Test
    void descriptors_that_are_told_of_but_not_there_are_an_error_before_any_is_taken() throws Exception {
        Map<Integer, String> open = ProcStatus.of((int) ProcessHandle.current().pid()).descriptors();
        assertThatExceptionOfType(ErrnoException.class)
                .isThrownBy(() -> SystemdStart.take(Map.of("LISTEN_PID", "18", "LISTEN_FDS", "900000"), 18))
                .withMessageContaining("of LISTEN_FDS=900000").withMessageContaining("EBADF");
        assertThat(ProcStatus.of((int) ProcessHandle.current().pid()).descriptors().keySet()).isEqualTo(open.keySet());
    }
}
