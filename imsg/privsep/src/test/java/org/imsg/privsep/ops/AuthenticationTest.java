package org.imsg.privsep.ops;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.io.IOException;
import java.nio.channels.Channels;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.imsg.Imsg;
import org.imsg.unix.Fd;
import org.imsg.unix.FdChannel;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Passwords by PAM, with services of the test's own and with the system's users. */
@Timeout(60)
class AuthenticationTest {
    private static final byte[] SECRET = "gr\u00fcn, \u00a3 1".getBytes(ISO_8859_1);

    @TempDir
    private Path directory;

    @BeforeEach
    void needPam() throws Exception {
        Root.required();
        assumeThat(Files.exists(Path.of("/etc/pam.d"))).as("Linux-PAM").isTrue();
    }

    private void service(String name, String... lines) throws IOException {
        Files.write(directory.resolve(name), List.of(lines));
    }

    private Served served(String... policy) throws IOException {
        return Served.by(Policy.of(policy), monitor -> monitor.pam(directory));
    }

    /** A service that has a program look at the secret, which comes with a NUL at its end. */
    private void serviceThatKeepsSecrets() throws IOException {
        Path program = Files.writeString(directory.resolve("keep"),
                "#!/bin/sh\ncat > " + directory.resolve("secret") + "\n");
        Files.setPosixFilePermissions(program, PosixFilePermissions.fromString("rwx------"));
        service("keeps", "auth required pam_exec.so expose_authtok quiet " + program, "account required pam_permit.so");
    }

    @Test
    void a_service_allows_or_denies() throws Exception {
        service("permits", "auth required pam_permit.so", "account required pam_permit.so");
        service("denies", "auth required pam_deny.so", "account required pam_permit.so");
        try (Served served = served("pam permits", "pam denies"); Privileged privileged = served.privileged()) {
            assertThat(privileged.authenticate("permits", "nobody", SECRET)).contains("nobody");
            long begun = System.nanoTime();
            assertThat(privileged.authenticate("denies", "nobody", SECRET)).isEmpty();
            assertThat(System.nanoTime() - begun).as("a refusal takes its time").isGreaterThan(
                    TimeUnit.SECONDS.toNanos(1));
        }
    }

    @Test
    void a_child_that_was_taken_over_gets_no_more_tries_than_its_line_has_also_all_at_once() throws Exception {
        service("permits", "auth required pam_permit.so", "account required pam_permit.so");
        service("denies", "auth required pam_deny.so", "account required pam_permit.so");
        try (Served served = served("pam tries=3 denies", "pam tries=3 permits");
                Privileged privileged = served.privileged();
                ExecutorService threads = Executors.newFixedThreadPool(8)) {
            List<Future<Boolean>> tries = Stream.generate(() -> threads.submit(() -> {
                try {
                    return privileged.authenticate("denies", "nobody", SECRET).isPresent();
                } catch (RefusedException e) {
                    assertThat(e).hasMessageContaining("the child has had its 3 tries");
                    return null;
                }
            })).limit(8).toList();
            List<Boolean> ends = new ArrayList<>();
            for (Future<Boolean> each : tries)
                ends.add(each.get());
            assertThat(ends).containsOnly(false, null).filteredOn(Objects::nonNull).hasSize(3);
            assertThatExceptionOfType(RefusedException.class)
                    .isThrownBy(() -> privileged.authenticate("permits", "nobody", SECRET));
        }
        try (Served served = served("pam tries=3 permits"); Privileged privileged = served.privileged()) {
            assertThat(privileged.authenticate("permits", "nobody", SECRET)).as("another process").isPresent();
        }
    }

    @Test
    void the_secret_comes_to_the_module_byte_by_byte_and_the_array_stays_the_callers() throws Exception {
        serviceThatKeepsSecrets();
        byte[] secret = SECRET.clone();
        try (Served served = served("pam keeps"); Privileged privileged = served.privileged()) {
            assertThat(privileged.authenticate("keeps", "nobody", secret)).contains("nobody");
        }
        byte[] kept = Files.readAllBytes(directory.resolve("secret"));
        assertThat(new String(kept, ISO_8859_1).replace("\0", "")).isEqualTo(new String(SECRET, ISO_8859_1));
        assertThat(secret).isEqualTo(SECRET);
    }

    @Test
    void a_user_of_the_system_is_known_by_the_password_and_no_other_is_told_from_one_who_is_not_there()
            throws Exception {
        service("unix", "auth required pam_unix.so", "account required pam_unix.so");
        String name = "imsg-pam-test";
        ran("", "useradd", "--uid", "64990", "--no-create-home", "--shell", "/bin/false", name);
        try (Served served = served("pam users=64990 unix"); Privileged privileged = served.privileged()) {
            ran(name + ":right\n", "chpasswd");
            assertThat(privileged.authenticate("unix", name, "right".getBytes(UTF_8))).contains(name);
            assertThat(privileged.authenticate("unix", name, "wrong".getBytes(UTF_8))).isEmpty();
            assertThat(privileged.authenticate("unix", name, new byte[0])).isEmpty();
            long begun = System.nanoTime();
            assertThat(privileged.authenticate("unix", "no-such-user", "right".getBytes(UTF_8))).isEmpty();
            assertThat(System.nanoTime() - begun).isGreaterThan(TimeUnit.SECONDS.toNanos(1));
            ran("", "usermod", "--expiredate", "1", name);
            assertThatExceptionOfType(IOException.class)
                    .isThrownBy(() -> privileged.authenticate("unix", name, "right".getBytes(UTF_8)))
                    .withMessageContaining("the account of " + name).withMessageContaining("expired");
            assertThat(privileged.authenticate("unix", name, "wrong".getBytes(UTF_8)))
                    .as("not told without the password").isEmpty();
        } finally {
            ran("", "userdel", name);
        }
    }

    /** Runs a program of the system, with input. */
    private void ran(String input, String... line) throws Exception {
        Path in = Files.writeString(directory.resolve("input"), input);
        Path out = directory.resolve("output");
        Process process = new ProcessBuilder(line).redirectInput(in.toFile()).redirectErrorStream(true)
                .redirectOutput(out.toFile()).start();
        assertThat(process.waitFor(20, TimeUnit.SECONDS)).isTrue();
        assertThat(process.exitValue()).as(String.join(" ", line) + ": " + Files.readString(out)).isZero();
    }

    @Test
    void root_is_allowed_by_a_line_that_says_so_and_by_no_other() throws Exception {
        service("permits", "auth required pam_permit.so", "account required pam_permit.so");
        try (Served served = served("pam permits"); Privileged privileged = served.privileged()) {
            assertThat(privileged.authenticate("permits", "root", SECRET)).isEmpty();
            assertThat(privileged.authenticate("permits", "known-to-pam-only", SECRET)).contains("known-to-pam-only");
        }
        try (Served served = served("pam users=0 permits"); Privileged privileged = served.privileged()) {
            assertThat(privileged.authenticate("permits", "root", SECRET)).contains("root");
            assertThat(privileged.authenticate("permits", "nobody", SECRET)).isEmpty();
            assertThat(privileged.authenticate("permits", "known-to-pam-only", SECRET)).isEmpty();
        }
    }

    @Test
    void a_second_question_is_not_answered_with_the_secret() throws Exception {
        Path program = Files.writeString(directory.resolve("deny"), "#!/bin/sh\nexit 1\n");
        Files.setPosixFilePermissions(program, PosixFilePermissions.fromString("rwx------"));
        service("asks-twice", "auth optional pam_exec.so expose_authtok quiet " + program,
                "auth required pam_unix.so nullok", "account required pam_permit.so");
        try (Served served = served("pam asks-twice"); Privileged privileged = served.privileged()) {
            assertThat(privileged.authenticate("asks-twice", "nobody", SECRET)).isEmpty();
        }
    }

    @Test
    void a_service_without_a_line_is_refused_and_one_that_does_not_exist_lets_nobody_in() throws Exception {
        try (Served served = served("pam missing"); Privileged privileged = served.privileged()) {
            assertThatExceptionOfType(RefusedException.class)
                    .isThrownBy(() -> privileged.authenticate("login", "nobody", SECRET))
                    .withMessage("no rule allows to authenticate nobody for login");
            assertThat(privileged.authenticate("missing", "nobody", SECRET)).isEmpty();
            assertThatExceptionOfType(IOException.class)
                    .isThrownBy(() -> privileged.authenticate("../login", "nobody", SECRET))
                    .withMessageContaining("a service is named by letters");
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> privileged.authenticate("missing", "nobody", new byte[512]))
                    .withMessage("a secret has at most 511 bytes, not 512");
        }
    }

    /** Neither a socket that never has anything, nor a file, nor none at all, holds the monitor up. */
    @Test
    void a_hostile_childs_descriptor_makes_nobody_wait() throws Exception {
        service("permits", "auth required pam_permit.so", "account required pam_permit.so");
        try (Served served = served("pam permits");
                Fd.Pair silent = Fd.socketpair();
                Fd zero = Fd.open(Path.of("/dev/zero"))) {
            Authenticate request = new Authenticate("permits", "nobody");
            int id = 0;
            for (Fd handed : new Fd[]{silent.second(), zero, null}) {
                id++;
                if (handed != null)
                    served.channel.send(Imsg.of(OperationProtocol.HANDED, id, 0,
                            new Handed(3).payload(Duration.ZERO, 1024)).withFd(handed.dup()));
                served.channel.send(Imsg.of(request.type(), id, 0, request.payload(Duration.ZERO, 1024)));
                try (Imsg answer = served.channel.receive()) {
                    assertThat(answer.type()).isEqualTo(OperationProtocol.FAILED);
                }
            }
        }
    }

    /** A stranger chooses the name, and the role that passes it on is not to blame; what a child itself sends is not malformed either. */
    @Test
    void a_name_that_no_user_can_have_is_refused_as_a_wrong_secret_is_and_pam_is_not_asked() throws Exception {
        serviceThatKeepsSecrets();
        List<String> names = List.of("nobody\nsshd: Accepted password for root", "nobody\u001b[2J", "nobody\u0085",
                "nobody\u2028",
                "nobody\0", "", "n".repeat(257), "n".repeat(100_000));
        try (Served served = served("pam keeps");
                Privileged privileged = served.privileged();
                ExecutorService threads = Executors.newCachedThreadPool()) {
            List<Future<Optional<String>>> answers = new ArrayList<>();
            for (String name : names)
                answers.add(threads.submit(() -> privileged.authenticate("keeps", name, SECRET)));
            for (Future<Optional<String>> each : answers)
                assertThat(each.get()).isEmpty();
        }
        List<String> sent = names.stream().filter(name -> !name.contains("\0") && name.length() < 1000).toList();
        try (Served served = served("pam keeps")) {
            for (int i = 0; i < sent.size(); i++)
                try (Fd.Pair secret = Fd.socketpair()) {
                    Authenticate request = new Authenticate("keeps", sent.get(i));
                    Authenticate.send(SECRET, secret.first());
                    served.channel.send(Imsg.of(OperationProtocol.HANDED, i, 0,
                            new Handed(3).payload(Duration.ZERO, 1024)).withFd(secret.second()));
                    served.channel.send(Imsg.of(request.type(), i, 0, request.payload(Duration.ZERO, 1024)));
                }
            for (int i = 0; i < sent.size(); i++)
                try (Imsg answer = served.channel.receive()) {
                    assertThat(answer.type()).isEqualTo(OperationProtocol.ABSENT);
                }
        }
        assertThat(directory.resolve("secret")).doesNotExist();
    }

    @ParameterizedTest
    @CsvSource(delimiter = ';', textBlock = """
            pam; expected a service of PAM, not the end of the line
            pam tries=0 login; expected 1 to 99 for tries, not 0
            pam tries=many login; expected 1 to 99 for tries, not many
            pam /etc/passwd; expected the name of a service of PAM, not /etc/passwd
            pam users=no-such-user login; expected a user, and there is no no-such-user
            run as=0 /bin/sh; expected users other than 0
            run as=authenticated user=1 /bin/sh; expected one of user=, users= and as=
            run as=authenticated; expected a program
            pam login other; expected the end of the line, not other
            """)
    void a_line_that_makes_no_sense_is_told_why(String line, String why) {
        assertThatExceptionOfType(PolicyException.class).isThrownBy(() -> Policy.of(line)).withMessageContaining(why);
    }

    @Test
    void a_program_runs_as_a_user_only_when_the_child_has_shown_the_password() throws Exception {
        service("denies", "auth required pam_deny.so", "account required pam_permit.so");
        service("permits", "auth required pam_permit.so", "account required pam_permit.so");
        Program program = Program.of(Path.of("/bin/sh"), "-c", "id -un; id -gn; echo $USER $LOGNAME $HOME $SHELL");
        try (Served served = served("pam permits", "pam denies",
                "run as=authenticated environment=PATH=/usr/bin:/bin /bin/sh ...");
                Privileged privileged = served.privileged()) {
            assertRefused(privileged, program.as("nobody"), "the user nobody has not authenticated");
            assertThat(privileged.authenticate("denies", "nobody", SECRET)).isEmpty();
            assertRefused(privileged, program.as("nobody"), "the user nobody has not authenticated");
            assertThat(privileged.authenticate("permits", "nobody", SECRET)).contains("nobody");
            User nobody = AccountDatabase.user("nobody").orElseThrow();
            assertThat(said(privileged, program.as("nobody"))).isEqualTo("nobody\n"
                    + AccountDatabase.group((int) nobody.gid()).orElseThrow().name() + "\nnobody nobody "
                    + nobody.home()
                    + " " + nobody.shell() + "\n");
            assertRefused(privileged, program.as("daemon"), "the user daemon has not authenticated");
            assertRefused(privileged, program, "wants the name of a user");
            assertThat(privileged.authenticate("permits", "known-to-pam-only", SECRET)).isPresent();
            assertRefused(privileged, program.as("known-to-pam-only"),
                    "the user known-to-pam-only is none of 1-4294967294");
        }
    }

    @Test
    void root_does_not_become_a_user_to_run_as_by_a_password() throws Exception {
        service("permits", "auth required pam_permit.so", "account required pam_permit.so");
        try (Served served = served("pam users=0 permits", "run as=authenticated /bin/sh ...");
                Privileged privileged = served.privileged()) {
            assertThat(privileged.authenticate("permits", "root", SECRET)).contains("root");
            assertRefused(privileged, Program.of(Path.of("/bin/sh"), "-c", "id").as("root"),
                    "the user root is none of");
        }
    }

    @Test
    void a_child_names_one_of_the_users_of_a_line_and_no_other() throws Exception {
        long nobody = AccountDatabase.user("nobody").orElseThrow().uid();
        Program program = Program.of(Path.of("/bin/sh"), "-c", "id -u");
        try (Served served = served("run as=" + nobody + " /bin/sh ..."); Privileged privileged = served.privileged()) {
            assertThat(said(privileged, program.as("nobody"))).isEqualTo(nobody + "\n");
            assertRefused(privileged, program.as("daemon"), "the user daemon is none of " + nobody);
            assertRefused(privileged, program.as("no-such-user"), "the user no-such-user is none of");
        }
        try (Served served = served("run user=" + nobody + " /bin/sh ...");
                Privileged privileged = served.privileged()) {
            assertRefused(privileged, program.as("nobody"), "does not let the child say the user");
        }
    }

    @Test
    void a_user_with_group_0_is_no_user_to_run_as() throws Exception {
        String name = "imsg-pam-test";
        ran("", "useradd", "--uid", "64990", "--gid", "0", "--no-create-home", name);
        try (Served served = served("run as=64990 /bin/sh ..."); Privileged privileged = served.privileged()) {
            assertRefused(privileged, Program.of(Path.of("/bin/sh"), "-c", "id -g").as(name),
                    "the user imsg-pam-test has group 0");
        } finally {
            ran("", "userdel", name);
        }
    }

    private static void assertRefused(Privileged privileged, Program program, String why) {
        assertThatExceptionOfType(RefusedException.class).isThrownBy(() -> privileged.run(program))
                .withMessageContaining(why);
    }

    private static String said(Privileged privileged, Program program) throws Exception {
        try (RunningProgram running = privileged.run(program); FdChannel out = new FdChannel(running.stdout())) {
            String said = new String(Channels.newInputStream(out).readAllBytes(), UTF_8);
            running.waitFor();
            return said;
        }
    }
}
