package org.imsg.privsep.rights;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.imsg.testing.ProcStatus;
import org.imsg.unix.Child;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Programs that were not started by root itself: set-id ones, and those in a user namespace. */
@Timeout(60)
class SetIdStartTest {
    private static final String GREP = " = /bin/grep -qzP \\nUid:(\\t64001){4}\\nGid:(\\t64002){4}\\n /proc/self/status";

    @BeforeEach
    void asRoot() throws IOException {
        assumeThat(Ids.current().isRoot()).as("needs root, to start a program with set-id ids").isTrue();
    }

    private static RunningSubject startedBy(String... starter) throws IOException {
        List<String> command = new ArrayList<>(List.of(starter).subList(1, starter.length));
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(RunningSubject.command());
        return RunningSubject.startProgram(Child.Builder::start, Path.of(starter[0]), command);
    }

    @Test
    void a_setuid_program_becomes_the_user_who_started_it_and_so_do_its_children() throws Exception {
        try (RunningSubject subject = startedBy("/usr/bin/setpriv", "--ruid=64001", "--rgid=64002",
                "--groups=64003,64004")) {
            assertThat(subject.ask("mixed")).isEqualTo("true");
            assertThat(subject.ask("spawn ids" + GREP)).isEqualTo("exit 0");
            assertThat(subject.ask("drop 64001 -")).isEqualTo("dropped");
            assertThat(subject.ask("mixed")).isEqualTo("false");
            assertThat(subject.ask("raw setresuid 0 0 0")).isEqualTo("EPERM");
        }
    }

    @Test
    void a_setgid_program_goes_back_to_the_group_of_the_user_who_started_it() throws Exception {
        try (RunningSubject subject = startedBy("/usr/bin/setpriv", "--reuid=64001", "--rgid=64002", "--egid=64009",
                "--groups=64003,64004", "--bounding-set=-all", "--inh-caps=-all")) {
            assertThat(subject.ask("mixed")).isEqualTo("true");
            assertThat(subject.ask("spawn ids" + GREP)).isEqualTo("exit 0");
            assertThat(subject.ask("drop 64001 -")).isEqualTo("dropped");
            assertThat(ProcStatus.of(subject.pid()).distinct("Gid"))
                    .isEqualTo(Map.of("Gid", Set.of("64002 64002 64002 64002")));
            assertThat(subject.ask("raw setresgid 64009 64009 64009")).isEqualTo("EPERM");
        }
    }

    @Test
    void in_a_user_namespace_an_id_that_is_not_mapped_is_named() throws Exception {
        try (RunningSubject subject = startedBy("/usr/bin/unshare", "--user", "--map-root-user")) {
            assertThat(subject.ask("spawn ids = /bin/true")).startsWith("at ids: ids: ids: uid 64001 is not mapped");
            assertThat(subject.ask("spawn ids if-possible = /bin/true")).isEqualTo("exit 0");
        }
    }

    @Test
    void limits_hold_for_a_program_from_the_start_and_for_a_jvm_from_its_confinement_on() throws Exception {
        Child.Builder shell = Child.of(Path.of("/bin/sh"), "-c",
                "exec 2> /dev/null; test $(ulimit -n) = 77 && test $(ulimit -Hn) = 77"
                        + " && test $(ulimit -f) = 2 && ! head -c 4096 /dev/zero > /tmp/imsg-limit-$$;"
                        + " result=$?; test $(wc -c < /tmp/imsg-limit-$$) = 1024 && rm /tmp/imsg-limit-$$ && exit $result");
        assertThat(Confinement.none().to(Descriptions.NOBODY).limit(Resource.NOFILE, 77).limit(Resource.FSIZE, 1024)
                .spawn(shell.environment("PATH", "/usr/bin:/bin")).waitFor().code()).isZero();
        String words = "ids promise:STDIO limit:NOFILE=99 limit:CORE=0 limit:DATA=600000000";
        try (RunningSubject subject = RunningSubject.start(Descriptions.of(words)::spawnJava)) {
            assertThat(subject.ask("complete " + words)).isEqualTo("[]");
            assertThat(ProcStatus.of(subject.pid()).limits()).contains("Max open files 99 99 files",
                    "Max core file size 0 0 bytes", "Max data size 600000000 600000000 bytes");
            assertThat(subject.ask("raw prlimit64 0 7 buffer 0")).isEqualTo("EPERM");
            assertThat(subject.ask("hoard 1")).isEqualTo("hoarded");
            assertThat(subject.ask("hoard 900")).contains("OutOfMemoryError");
        }
    }
}
