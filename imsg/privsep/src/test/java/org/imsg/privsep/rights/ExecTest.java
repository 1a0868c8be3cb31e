package org.imsg.privsep.rights;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.imsg.sys.LinuxSyscalls;
import org.imsg.sys.RawSyscall;
import org.imsg.unix.Child;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** A JVM that becomes another program. */
@Timeout(60)
class ExecTest {
    private static final String JAVA = Path.of(System.getProperty("java.home"), "bin", "java").toString();

    @TempDir
    Path directory;

    @BeforeEach
    void asRoot() throws IOException {
        assumeThat(Ids.current().isRoot()).as("needs root, which it gives up").isTrue();
        Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString("rwxr-xr-x"));
    }

    /** The output and the exit code of a command, and its process id. */
    private record Ran(String output, int code, long pid) {}

    private static List<String> command(String... words) {
        List<String> command = new ArrayList<>(List.of(JAVA, "-Xshare:auto", "-XX:+UseSerialGC",
                "-XX:TieredStopAtLevel=1", "--enable-native-access=ALL-UNNAMED", "-cp", RunningSubject.jar().toString(),
                ExecMain.class.getName()));
        command.addAll(List.of(words));
        return command;
    }

    private static Process start(List<String> command) throws IOException {
        return new ProcessBuilder(command).redirectErrorStream(true).start();
    }

    private static Ran run(List<String> command) throws Exception {
        Process process = start(command);
        process.getOutputStream().close();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.ISO_8859_1);
        return new Ran(output, process.waitFor(), process.pid());
    }

    private static Ran exec(String... words) throws Exception {
        return run(command(words));
    }

    /** The same behind a shell that has done something to itself first. */
    private static Ran execAfter(String preparation, String... words) throws Exception {
        return run(Stream.concat(Stream.of("/bin/sh", "-c", preparation + "; exec \"$@\"", "sh"),
                command(words).stream()).toList());
    }

    private static int niceness() throws Exception {
        return Integer.parseInt(run(List.of("nice")).output().strip());
    }

    @Test
    void the_program_has_the_number_of_the_jvm_and_the_ids_and_limits_it_was_given() throws Exception {
        Ran ran = exec("-u", "64001:64002:64003", "-r", "nofile=77", "-r", "core=0", "-r", "data=64M", "cat",
                "/proc/self/status", "/proc/self/limits");
        assertThat(ran.output())
                .contains("Pid:\t" + ran.pid() + "\n", "Uid:\t64001\t64001\t64001\t64001\n",
                        "Gid:\t64002\t64002\t64002\t64002\n", "Groups:\t64003 \n", "CapPrm:\t0000000000000000\n",
                        "CapEff:\t0000000000000000\n", "NoNewPrivs:\t1\n", "Seccomp:\t0\n", "Threads:\t1\n")
                .containsPattern("Max open files +77 +77 ").containsPattern("Max data size +67108864 +67108864 ");
        assertThat(ran.code()).isZero();
    }

    @Test
    void the_program_gives_way_to_others_by_as_much_as_was_said() throws Exception {
        assertThat(exec("-n", "2", "nice").output()).isEqualTo(niceness() + 2 + "\n");
    }

    @Test
    void the_program_ignores_no_signal_and_has_no_descriptor_of_the_jvm() throws Exception {
        assertThat(execAfter("trap '' HUP INT QUIT PIPE TERM USR1", "cat", "/proc/self/status").output())
                .contains("SigIgn:\t0000000000000000\n");
        assertThat(execAfter("exec 9</dev/null", "ls", "/proc/self/fd").output()).isEqualTo("0\n1\n2\n3\n");
        assertThat(execAfter("exec 9</dev/null", "-k", "9", "ls", "/proc/self/fd").output())
                .isEqualTo("0\n1\n2\n3\n9\n");
    }

    @Test
    void what_was_blocked_when_the_jvm_began_is_blocked_no_more() throws Exception {
        List<String> command = new ArrayList<>(List.of("/usr/bin/env", "--block-signal=USR2,TERM,WINCH"));
        command.addAll(command("cat", "/proc/self/status"));
        assertThat(run(command).output()).contains("SigBlk:\t0000000000000000\n");
    }

    @Test
    void the_program_is_that_of_the_root_it_was_given() throws Exception {
        for (String file : ldd("/bin/cat")) {
            Path copy = directory.resolve(file.substring(1));
            Files.createDirectories(copy.getParent());
            Files.copy(Path.of(file), copy);
        }
        Files.writeString(directory.resolve("inside"), "inside\n");
        assertThat(exec("-/", directory.toString(), "-u", "64001:64002", "cat", "inside"))
                .extracting(Ran::output, Ran::code).containsExactly("inside\n", 0);
        assertThat(exec("-/", directory.toString(), "-u", "64001:64002", "cat", "/etc/passwd").output())
                .contains("No such file");
        assertThat(exec("-/", directory.toString(), "sh").output()).startsWith("exec: execve(sh): ENOENT");
    }

    @ParameterizedTest
    @ValueSource(strings = {"C", "C.UTF-8"})
    void words_and_names_have_the_bytes_that_were_written_whatever_the_locale(String locale) throws Exception {
        String root = "export LC_ALL=" + locale + "; root=" + directory + "/$(printf 'gr\\374n'); mkdir \"$root\"; ";
        assertThat(execAfter(root + "set -- \"$@\" -/ \"$root\" no-program").output())
                .startsWith("exec: execve(no-program): ENOENT");
        assertThat(execAfter("export LC_ALL=" + locale + "; set -- \"$@\" echo \"$(printf 'gr\\374n \\303\\274')\"")
                .output())
                .isEqualTo("gr\u00fcn \u00c3\u00bc\n");
        String path = "; PATH=$PATH:$root; printf '#!/bin/sh\\necho found\\n' >\"$root/pro\"; chmod 755 \"$root/pro\"";
        assertThat(execAfter("export LC_ALL=" + locale + "; root=" + directory + "/$(printf 'gr\\374n')" + path
                + "; set -- \"$@\" pro").output()).isEqualTo("found\n");
    }

    private static List<String> ldd(String program) throws Exception {
        List<String> files = new ArrayList<>(List.of(program));
        for (String word : run(List.of("/usr/bin/ldd", program)).output().split("\\s+"))
            if (word.startsWith("/"))
                files.add(word);
        return files;
    }

    @Test
    void the_program_can_do_what_it_promised_and_no_more() throws Exception {
        Path file = directory.resolve("file");
        Ran ran = exec("-p", "stdio,rpath,proc,exec", "-r", "nofile=99", "-n", "3", "bash", "-c",
                "ulimit -n; nice; cat /proc/self/comm; : > "
                        + file + "; : > /dev/tcp/127.0.0.1/1; nice -n -2 true");
        assertThat(ran.output()).startsWith("99\n" + (niceness() + 3) + "\ncat\n").contains(
                file + ": Permission denied",
                "/dev/tcp/127.0.0.1/1: Permission denied", "cannot set niceness: ");
        assertThat(file).doesNotExist();
    }

    @Test
    void a_lock_lasts_as_long_as_the_program() throws Exception {
        String lock = directory.resolve("lock").toString();
        Process holder = start(command("-l", lock, "-u", "64001:64002", "sh", "-c", "echo locked; read line"));
        try {
            assertThat(holder.inputReader().readLine()).isEqualTo("locked");
            assertThat(exec("-L", lock, "true")).extracting(Ran::output, Ran::code).containsExactly(
                    "exec: lock(" + lock + "): EAGAIN (11): Resource temporarily unavailable\n", 111);
            Process waiting = start(command("-l", lock, "echo", "next"));
            holder.getOutputStream().close();
            assertThat(waiting.inputReader().readLine()).isEqualTo("next");
            assertThat(waiting.waitFor()).isZero();
        } finally {
            holder.destroyForcibly();
        }
    }

    @Test
    void a_link_in_the_place_of_a_lock_leads_nowhere() throws Exception {
        Path target = directory.resolve("target");
        Path link = Files.createSymbolicLink(directory.resolve("link"), target);
        assertThat(exec("-l", link.toString(), "true")).extracting(Ran::code).isEqualTo(111);
        assertThat(target).doesNotExist();
    }

    @Test
    void the_environment_stays_byte_by_byte() throws Exception {
        assertThat(
                execAfter("X=$(printf '\\377\\tx'); export X", "sh", "-c", "printf %s \"$X\"; ! printenv Y").output())
                .isEqualTo("\377\tx");
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource(delimiter = ';', textBlock = """
            no-such-program; 127; execve(no-such-program): ENOENT
            /etc/passwd; 126; execve(/etc/passwd): EACCES
            -u 64001:64002 /root/program; 126; execve(/root/program): EACCES
            -u no-such-user true; 111; getpwnam
            -/ /no/such/directory true; 111; chroot(/no/such/directory): ENOENT
            -k 77 true; 111; fcntl(descriptor 77): EBADF
            -U true; 111; environment: the variable UID is not set
            -x y true; 100; expected -u, -U
            """)
    void a_failure_is_one_line_and_a_code_of_its_own(String words, int code, String why) throws Exception {
        Ran ran = exec(words.split(" "));
        assertThat(ran.output()).startsWith("exec: " + why).hasLineCount(1);
        assertThat(ran.code()).isEqualTo(code);
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource(delimiter = ';', textBlock = """
            -u 0:64002 true; becoming uid 0 gid 64002 groups [] gives up nothing: 0 is root
            -u 64001:0 true; becoming uid 64001 gid 0 groups [] gives up nothing: 0 is root
            -u 64001:64002:0 true; becoming uid 64001 gid 64002 groups [0] gives up nothing: 0 is root
            -u root true; becoming uid 0
            -u 64001 true; expected a user's name, or UID:GID, not 64001
            -u 4294967295:1 true; a uid is 0 to 4294967294, not 4294967295
            -n 40 true; niceness is changed by -39 to 39, not by 40
            -r nofile true; expected a limit such as nofile=256, not nofile
            -r files=1 true; expected one of cpu, fsize
            -r nofile=-2 true; expected a number such as 256 or 2G, or unlimited, not -2
            -r fsize=16777216T true; expected at most 9223372036854775807, not 16777216T
            -p everything true; expected one of stdio,
            -k 2 true; a descriptor to keep is 3 or more, not 2
            -x y true; expected -u, -U, -/, -n, -l, -L, -r, -p or -k, not -x
            -u; expected a value for -u
            --; expected a program
            """)
    void a_command_line_that_makes_no_sense_is_told_why(String words, String why) {
        assertThatThrownBy(() -> ExecMain.parse(Stream.of(words.split(" ")).map(String::getBytes).toList()))
                .isInstanceOf(IllegalArgumentException.class)
                .message().startsWith(why);
    }

    @Test
    void the_ids_of_the_environment_are_those_of_envuidgid() throws Exception {
        assertThat(execAfter("export UID=64001 GID=64002 GIDLIST=64003,64004", "-U", "id").output().strip())
                .isEqualTo("uid=64001 gid=64002 groups=64002,64003,64004");
    }

    @Test
    void the_keys_of_root_stay_behind() throws Exception {
        int joined = RawSyscall.call(LinuxSyscalls.host().number("keyctl"), 0, -3L, 1);
        assumeThat(joined).as("a session keyring of this JVM").isPositive();
        List<String> words = new ArrayList<>(command("-u", "64001:64002", JAVA));
        words.addAll(RunningSubject.command());
        try (RunningSubject subject = RunningSubject.startProgram(Child.Builder::start, Path.of(words.removeFirst()),
                words)) {
            assertThat(subject.ask("raw keyctl 0 -3 0")).matches("[0-9]+").isNotEqualTo(Integer.toString(joined));
            assertThat(subject.ask("raw keyctl 6 " + joined)).isIn("EACCES", "ENOKEY");
            assertThat(subject.ask("raw setresuid 0 0 0")).isEqualTo("EPERM");
        }
    }

    @Test
    void a_pid_namespace_is_for_children_only() {
        assertThatThrownBy(() -> Exec.of(Path.of("true")).confined(Confinement.none().namespaces(Namespace.PID)))
                .hasMessage("a PID namespace is entered by a child, not by the process itself");
    }
}
