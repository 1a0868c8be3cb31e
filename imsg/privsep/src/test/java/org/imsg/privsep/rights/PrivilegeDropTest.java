package org.imsg.privsep.rights;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Map;
import java.util.Set;
import org.imsg.testing.ProcStatus;
import org.imsg.unix.Child;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@Timeout(60)
class PrivilegeDropTest {
    private static final String NONE = "0000000000000000";

    @TempDir
    private Path directory;

    @BeforeEach
    void asRoot() throws IOException {
        assumeThat(Ids.current().isRoot()).as("root, to have something to give up").isTrue();
        Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString("rwxr-xr-x"));
    }

    private static void isNobodyInEveryThread(RunningSubject subject) throws IOException {
        assertThat(
                ProcStatus.of(subject.pid()).distinct("Uid", "Gid", "Groups", "CapInh", "CapPrm", "CapEff", "CapAmb"))
                .isEqualTo(Map.of("Uid", Set.of("64001 64001 64001 64001"), "Gid", Set.of("64002 64002 64002 64002"),
                        "Groups", Set.of("64003 64004"), "CapInh", Set.of(NONE), "CapPrm", Set.of(NONE), "CapEff",
                        Set.of(NONE), "CapAmb", Set.of(NONE)));
    }

    @Test
    void every_thread_becomes_the_user_and_those_started_later_are_it_too() throws Exception {
        try (RunningSubject subject = RunningSubject.free()) {
            assertThat(subject.ask("work")).isEqualTo("works");
            assertThat(ProcStatus.of(subject.pid()).tasks()).hasSizeGreaterThan(8);
            assertThat(subject.ask("drop 64001 -")).isEqualTo("dropped");
            isNobodyInEveryThread(subject);
            assertThat(subject.ask("work")).isEqualTo("works");
            isNobodyInEveryThread(subject);
        }
    }

    @Test
    void what_was_given_up_is_out_of_reach() throws Exception {
        try (RunningSubject subject = RunningSubject.free()) {
            assertThat(subject.ask("raw openat -100 s:/etc/shadow 0")).matches("\\d+");
            assertThat(subject.ask("drop 64001 -")).isEqualTo("dropped");
            assertThat(subject.ask("raw openat -100 s:/etc/shadow 0")).isEqualTo("EACCES");
            assertThat(subject.ask("raw setresuid 0 0 0")).isEqualTo("EPERM");
            assertThat(subject.ask("raw setresgid 0 0 0")).isEqualTo("EPERM");
            assertThat(subject.ask("raw setgroups 0 0")).isEqualTo("EPERM");
            assertThat(subject.ask("raw chroot s:/tmp")).isEqualTo("EPERM");
            assertThat(subject.ask("raw kill 1 0")).isEqualTo("EPERM");
        }
    }

    @Test
    void a_chrooted_process_goes_on_with_what_was_loaded_before() throws Exception {
        Files.createFile(directory.resolve("inside"));
        try (RunningSubject subject = RunningSubject.free()) {
            assertThat(subject.ask("drop 64001 " + directory)).isEqualTo("dropped");
            ProcStatus status = ProcStatus.of(subject.pid());
            assertThat(status.root()).isEqualTo(directory.toString());
            isNobodyInEveryThread(subject);
            assertThat(status.descriptors().values()).noneMatch(target -> target.startsWith("/proc"));
            assertThat(subject.ask("raw faccessat -100 s:/inside 4")).isEqualTo("0");
            assertThat(subject.ask("raw faccessat -100 s:../../../../etc 4")).isEqualTo("ENOENT");
            assertThat(subject.ask("listen 0")).startsWith("port ");
            assertThat(subject.ask("use")).isEqualTo("used 127.0.0.1 Asia/Tokyo 0");
            assertThat(subject.ask("work")).isEqualTo("works");
        }
    }

    @Test
    void promises_can_be_made_in_a_chroot() throws Exception {
        try (RunningSubject subject = RunningSubject.free()) {
            assertThat(subject.ask("drop 64001 " + directory)).isEqualTo("dropped");
            assertThat(subject.ask("enter promise:STDIO")).isEqualTo("[]");
            assertThat(ProcStatus.of(subject.pid()).distinct("Seccomp").get("Seccomp")).containsExactly("2");
            assertThat(subject.ask("use")).isEqualTo("used 127.0.0.1 Asia/Tokyo 0");
            assertThat(subject.ask("work")).isEqualTo("works");
        }
    }

    @Test
    void what_was_not_loaded_before_a_chroot_is_not_there_after_it() throws Exception {
        try (RunningSubject subject = RunningSubject.free()) {
            assertThat(subject.ask("drop 64001 " + directory + " bare")).isEqualTo("dropped");
            assertThat(subject.ask("use")).contains("Error");
        }
    }

    @Test
    void nobody_of_the_same_user_may_trace_it_unless_that_was_allowed() throws Exception {
        // The tracer ends first: a traced process is nobody else's to wait for.
        try (RunningSubject closed = RunningSubject.free();
                RunningSubject open = RunningSubject.free();
                RunningSubject tracer = RunningSubject.free()) {
            for (RunningSubject subject : new RunningSubject[]{tracer, closed})
                assertThat(subject.ask("drop 64001 -")).isEqualTo("dropped");
            assertThat(open.ask("drop 64001 - dumpable")).isEqualTo("dropped");
            assertThat(ProcStatus.of(closed.pid()).owner()).isZero();
            assertThat(ProcStatus.of(open.pid()).owner()).isEqualTo(64001);
            int seize = 0x4206;
            assertThat(tracer.ask("raw ptrace " + seize + " " + closed.pid())).isEqualTo("EPERM");
            assertThat(tracer.ask("raw ptrace " + seize + " " + open.pid())).isEqualTo("0");
        }
    }

    @Test
    void limits_hold_from_then_on() throws Exception {
        try (RunningSubject subject = RunningSubject.free()) {
            assertThat(subject.ask("drop 64001 - limited")).isEqualTo("dropped");
            assertThat(ProcStatus.of(subject.pid()).limits()).contains("Max open files 100 200 files",
                    "Max core file size 0 0 bytes");
        }
    }

    @Test
    void a_failure_names_its_step() throws Exception {
        try (RunningSubject subject = RunningSubject.free()) {
            assertThat(subject.ask("drop 64001 - fails")).startsWith("at preload: preload: ").contains("no such luck");
            assertThat(subject.ask("drop 64001 /no/such/directory"))
                    .isEqualTo("at chroot: chroot(/no/such/directory): ENOENT (2): No such file or directory");
        }
        try (RunningSubject subject = RunningSubject.confined("ids")) {
            assertThat(subject.ask("drop 64001 - unlimited")).startsWith("at setrlimit: setrlimit(NOFILE 1073741824 ")
                    .contains("EPERM");
            assertThat(subject.ask("drop 64001 " + directory)).startsWith("at chroot: ").contains("EPERM");
            assertThat(subject.ask("drop 64009 -"))
                    .isEqualTo("at setresuid: setresuid(64009): EPERM (1): Operation not permitted");
        }
    }

    @Test
    void a_failure_can_end_the_process_at_once() throws Exception {
        try (RunningSubject subject = RunningSubject.free()) {
            assertThat(subject.askLast("drop-or-exit 64001 /no/such/directory")).contains("/no/such/directory")
                    .contains("ENOENT").doesNotContain("shutdown hook");
            assertThat(subject.waitFor()).isEqualTo(new Child.ExitStatus(77, 0));
        }
    }

    @Test
    void a_process_that_was_started_as_the_wanted_user_is_proved_and_goes_on() throws Exception {
        try (RunningSubject subject = RunningSubject.confined("ids")) {
            ProcStatus status = ProcStatus.of(subject.pid());
            assertThat(status.owner()).as("dumpable, as an exec leaves it").isEqualTo(64001);
            assertThat(subject.ask("drop 64001 - limited")).isEqualTo("dropped");
            isNobodyInEveryThread(subject);
            // No change of ids has done so here.
            assertThat(status.owner()).as("not dumpable").isZero();
        }
    }

    @Test
    void a_capability_it_was_started_with_is_an_error_unless_it_is_accepted() throws Exception {
        try (RunningSubject subject = RunningSubject.confined("ids bind ns:NET")) {
            assertThat(subject.ask("drop 64001 -")).startsWith("at proof: ").contains("NET_BIND_SERVICE");
            assertThat(subject.ask("drop 64001 - accept:NET_BIND_SERVICE")).isEqualTo("dropped");
            assertThat(subject.ask("listen 80")).isEqualTo("port 80");
        }
    }

    /** With these rights it passes as the user, and could be root again. */
    @ParameterizedTest
    @CsvSource({"SETUID, setresuid(0)", "SETGID, setresgid(0)"})
    void a_capability_that_leads_back_is_found_out_though_it_was_accepted(String capability, String attempt)
            throws Exception {
        try (RunningSubject subject = RunningSubject.confined("ids keep:" + capability)) {
            assertThat(subject.ask("drop 64001 - accept:" + capability))
                    .isEqualTo("at regain: regain: " + attempt + " was to fail with EPERM, but gave 0");
        }
    }

    @Test
    void a_description_that_makes_no_sense_is_refused() {
        PrivilegeDrop drop = PrivilegeDrop.to(Ids.of(5, 5));
        assertThatIllegalArgumentException().isThrownBy(() -> drop.chroot(Path.of("srv"))).withMessageContaining("srv");
        assertThatIllegalArgumentException().isThrownBy(() -> drop.rlimit(Resource.NOFILE, 9, 8))
                .withMessageContaining("9 and 8");
        assertThatIllegalArgumentException().isThrownBy(() -> drop.rlimit(Resource.NOFILE, -1, 8));
        assertThat(drop.rlimit(Resource.NOFILE, 8, -1).chroot(Path.of("/srv")))
                .hasToString("drop to uid 5 gid 5 groups [] in /srv");
    }
}
