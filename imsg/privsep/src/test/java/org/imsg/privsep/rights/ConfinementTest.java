package org.imsg.privsep.rights;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import org.imsg.testing.ProcStatus;
import org.imsg.testing.ChildJvm;
import org.imsg.unix.Child;
import org.imsg.unix.Fd;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(60)
class ConfinementTest {
    private static final String NONE = "0000000000000000";
    private static final String EVERYTHING = "promise:STDIO java ids bound ns:PID,NET,IPC,UTS root";

    @TempDir
    private Path directory;

    @BeforeEach
    void asRoot() throws IOException {
        assumeThat(Ids.current().isRoot()).as("root, to have something to give up").isTrue();
        Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString("rwxr-xr-x"));
    }

    @Test
    void a_child_is_confined_from_its_first_instruction_on_as_seen_from_outside() throws Exception {
        try (RunningSubject subject = RunningSubject.confined(EVERYTHING)) {
            ProcStatus status = ProcStatus.of(subject.pid());
            Map<String, Set<String>> expected = Map.of("Uid", Set.of("64001 64001 64001 64001"), "Gid",
                    Set.of("64002 64002 64002 64002"), "Groups", Set.of("64003 64004"), "CapPrm", Set.of(NONE),
                    "CapEff",
                    Set.of(NONE), "CapBnd", Set.of(NONE), "CapAmb", Set.of(NONE), "NoNewPrivs", Set.of("1"), "Seccomp",
                    Set.of("2"));
            String[] fields = expected.keySet().toArray(String[]::new);
            assertThat(status.distinct(fields)).isEqualTo(expected);
            ProcStatus ours = ProcStatus.of((int) ProcessHandle.current().pid());
            for (Namespace namespace : Namespace.values())
                if (namespace != Namespace.PID)
                    assertThat(status.namespace(namespace.file())).isNotEqualTo(ours.namespace(namespace.file()));
            assertThat(status.distinct("NSpid").get("NSpid")).allMatch(pids -> pids.split(" ").length == 2);
            assertThat(status.inRoot(".")).contains("dev", "etc", "lib", "proc", "tmp", "usr")
                    .doesNotContain("boot", "sbin", "sys", "bin");
            assertThat(status.inRoot("dev")).isEqualTo(Set.of("null", "random", "urandom", "zero"));
            assertThat(status.inRoot("etc")).doesNotContain("passwd", "shadow");
            Map<Integer, String> open = status.descriptors();
            for (int number = 0; number < 3; number++)
                assertThat(open.remove(number)).startsWith("pipe:");
            assertThat(open.values()).allMatch(target -> target.startsWith(System.getProperty("java.home"))
                    || target.endsWith(".jar") || target.startsWith("/dev/"));

            assertThat(subject.ask("complete " + EVERYTHING)).isEqualTo("[]");
            assertThat(status.distinct(fields)).isEqualTo(expected);
            // What it promises before and after its start, and no keys.
            assertThat(status.distinct("Seccomp_filters").get("Seccomp_filters")).containsExactly("3");
            assertThat(status.owner()).as("not dumpable").isZero();
            assertThat(subject.ask("work")).isEqualTo("works");
            assertThat(status.distinct(fields)).isEqualTo(expected);
        }
    }

    @Test
    void a_rehearsal_confines_nothing() throws Exception {
        try (RunningSubject subject = RunningSubject.free()) {
            String[] fields = {"Uid", "CapEff", "CapBnd", "NoNewPrivs", "Seccomp"};
            Map<String, Set<String>> before = ProcStatus.of(subject.pid()).distinct(fields);
            assertThat(subject.ask("rehearse promise:STDIO java ids bound")).isEqualTo("rehearsed");
            assertThat(ProcStatus.of(subject.pid()).distinct(fields)).isEqualTo(before);
            assertThat(before.get("Seccomp")).containsExactly("0");
            assertThat(subject.ask("raw prctl " + Confining.PR_GET_DUMPABLE)).as("dumpable").isEqualTo("1");
            assertThat(subject.ask("execute /bin/true")).isEqualTo("exit 0");
        }
    }

    @Test
    void the_parent_keeps_its_rights_in_every_thread() throws Exception {
        ProcStatus ours = ProcStatus.of((int) ProcessHandle.current().pid());
        String[] fields = {"Uid", "Gid", "Groups", "CapPrm", "CapEff", "CapBnd", "NoNewPrivs", "Seccomp"};
        Map<String, Set<String>> before = ours.distinct(fields);
        assertThat(before).allSatisfy((_, values) -> assertThat(values).hasSize(1));
        List<String> namespaces = namespaces(ours);
        int dumpable = dumpable();
        try (RunningSubject _ = RunningSubject.confined(EVERYTHING)) {
            assertThat(ours.distinct(fields)).isEqualTo(before);
            assertThat(namespaces(ours)).isEqualTo(namespaces);
            assertThat(ours.root()).isEqualTo("/");
            assertThat(dumpable()).isEqualTo(dumpable).isEqualTo(1);
        }
    }

    private static List<String> namespaces(ProcStatus process) throws IOException {
        return List.of(process.namespace("mnt"), process.namespace("net"), process.namespace("pid"),
                process.namespace("pid_for_children"), process.namespace("ipc"), process.namespace("uts"));
    }

    private static int dumpable() {
        return Confining.prctl(Confining.PR_GET_DUMPABLE, 0);
    }

    @Test
    void what_was_not_promised_fails_inside_with_an_errno_and_the_process_goes_on() throws Exception {
        long us = ProcessHandle.current().pid();
        try (RunningSubject subject = RunningSubject.confined("promise:STDIO java ids bound")) {
            assertThat(subject.ask("preload")).isEqualTo("preloaded");
            assertThat(subject.ask("complete promise:STDIO java ids bound")).isEqualTo("[]");
            assertThat(subject.ask("raw execve s:/bin/true 0 0")).isEqualTo("EACCES");
            assertThat(subject.ask("execute /bin/true")).contains("java.io.IOException");
            assertThat(subject.ask("raw ptrace 0x4206 " + us)).isEqualTo("EPERM");
            assertThat(subject.ask("raw process_vm_readv " + us + " buffer 0 buffer 0 0")).isEqualTo("EPERM");
            assertThat(subject.ask("raw openat -100 s:/etc/shadow 0")).isEqualTo("EACCES");
            assertThat(subject.ask("raw openat -100 s:/proc/self/fd/0 0")).isEqualTo("EACCES");
            assertThat(subject.ask("raw socket 2 1 0")).isEqualTo("EACCES");
            assertThat(subject.ask("listen 0")).contains("Exception").contains("Permission denied");
            assertThat(subject.ask("raw kill " + us + " 0")).isEqualTo("EPERM");
            assertThat(subject.ask("raw tgkill " + us + " " + us + " 0")).isEqualTo("EPERM");
            assertThat(subject.ask("raw setresuid 0 0 0")).isEqualTo("EPERM");
            assertThat(subject.ask("raw setgroups 0 0")).isEqualTo("EPERM");
            assertThat(subject.ask("raw unshare 0x10000000")).isEqualTo("EPERM");
            assertThat(subject.ask("raw mount s:none s:/tmp s:tmpfs 0 0")).isEqualTo("EPERM");
            assertThat(subject.ask("raw io_uring_setup 8 buffer")).isEqualTo("EPERM");
            assertThat(subject.ask("raw prctl 4 1")).isEqualTo("EPERM");
            assertThat(subject.ask("raw clone 17")).isEqualTo("EPERM");
            assertThat(subject.ask("use")).isEqualTo("used 127.0.0.1 Asia/Tokyo 0");
            assertThat(subject.ask("work")).isEqualTo("works");
        }
    }

    /** The same attempts with ids alone: no filter hides what the other layer does. */
    @Test
    void another_user_without_rights_is_refused_the_same_by_the_kernel_itself() throws Exception {
        Path secret = Files.writeString(directory.resolve("secret"), "for root only\n");
        Files.setPosixFilePermissions(secret, PosixFilePermissions.fromString("rw-------"));
        long us = ProcessHandle.current().pid();
        try (Fd passed = Fd.open(secret);
                RunningSubject subject = RunningSubject
                        .start(program -> Descriptions.of("ids bound").spawn(program.descriptor(7, passed)))) {
            assertThat(subject.ask("complete ids bound")).isEqualTo("[]");
            assertThat(subject.ask("raw read 7 buffer 100")).isEqualTo("14");
            assertThat(subject.ask("raw openat -100 s:/proc/self/fd/7 0")).isEqualTo("EACCES");
            assertThat(subject.ask("raw ptrace 0x4206 " + us)).isEqualTo("EPERM");
            assertThat(subject.ask("raw openat -100 s:/etc/shadow 0")).isEqualTo("EACCES");
            assertThat(subject.ask("raw kill " + us + " 0")).isEqualTo("EPERM");
            assertThat(subject.ask("raw setresuid 0 0 0")).isEqualTo("EPERM");
            assertThat(subject.ask("raw mount s:none s:/tmp s:tmpfs 0 0")).isEqualTo("EPERM");
            assertThat(subject.ask("raw socket 17 3 0")).as("a packet socket").isEqualTo("EPERM");
            assertThat(subject.ask("raw socket 2 1 0")).as("nobody forbade an internet socket").matches("\\d+");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"-XX:+UseSerialGC", "-XX:+UseG1GC", "-XX:+UseZGC"})
    void a_jvm_lives_on_whichever_way_it_collects(String collector) throws Exception {
        String words = "promise:STDIO java ids bound root";
        try (RunningSubject subject = RunningSubject.confined(words, collector)) {
            assertThat(subject.ask("complete " + words)).isEqualTo("[]");
            for (int i = 0; i < 2; i++)
                assertThat(subject.ask("work")).isEqualTo("works");
            assertThat(ProcStatus.of(subject.pid()).distinct("Seccomp").get("Seccomp")).containsExactly("2");
        }
    }

    @Test
    void only_unveiled_paths_can_be_reached_and_only_as_said() throws Exception {
        Path open = Files.createDirectory(directory.resolve("open"));
        Path closed = Files.createDirectory(directory.resolve("closed"));
        for (Path one : List.of(open, closed))
            Files.writeString(one.resolve("file"), "text\n");
        Path log = Files.createFile(directory.resolve("log"));
        String words = "java read:" + open + " write:" + log;
        String read = " 0";
        String write = " 1";
        String create = " 0x41 0600";
        try (RunningSubject subject = RunningSubject.confined(words)) {
            assertThat(subject.ask("complete " + words)).isEqualTo("[]");
            assertThat(subject.ask("raw openat -100 s:" + open.resolve("file") + read)).matches("\\d+");
            assertThat(subject.ask("raw openat -100 s:" + open.resolve("file") + write)).isEqualTo("EACCES");
            assertThat(subject.ask("raw openat -100 s:" + open.resolve("new") + create)).isEqualTo("EACCES");
            assertThat(subject.ask("raw unlinkat -100 s:" + open.resolve("file") + " 0")).isEqualTo("EACCES");
            assertThat(subject.ask("raw truncate s:" + open.resolve("file") + " 0")).isEqualTo("EACCES");
            assertThat(subject.ask("raw openat -100 s:" + closed.resolve("file") + read)).isEqualTo("EACCES");
            assertThat(subject.ask("raw openat -100 s:" + open + "/../closed/file" + read)).isEqualTo("EACCES");
            assertThat(subject.ask("raw openat -100 s:" + log + write)).matches("\\d+");
            assertThat(subject.ask("raw openat -100 s:/etc/shadow" + read)).as("of root, even").isEqualTo("EACCES");
            assertThat(subject.ask("execute /bin/true")).as("an executable that was not unveiled")
                    .contains("IOException");
        }
        assertThat(Files.readString(open.resolve("file"))).isEqualTo("text\n");
    }

    @Test
    void a_directory_unveiled_for_making_files_lets_them_be_made_and_removed() throws Exception {
        String words = "java create:" + directory;
        try (RunningSubject subject = RunningSubject.confined(words)) {
            assertThat(subject.ask("raw openat -100 s:" + directory.resolve("new") + " 0x41 0600")).matches("\\d+");
            assertThat(directory.resolve("new")).exists();
            assertThat(subject.ask("raw unlinkat -100 s:" + directory.resolve("new") + " 0")).isEqualTo("0");
            assertThat(directory.resolve("new")).doesNotExist();
        }
    }

    @Test
    void a_chmod_that_is_refused_stops_no_listener_whose_mode_is_right_and_the_others_leave_no_file() throws Exception {
        Path made = Files.createDirectory(directory.resolve("made"));
        String byUmask = Integer.toOctalString((int) Files.getAttribute(made, "unix:mode") & 0777);
        Path socket = made.resolve("s");
        try (RunningSubject subject = RunningSubject.free()) {
            assertThat(subject.ask("listen-unix 0 " + socket)).isEqualTo("listens");
            assertThat(subject.ask("enter promise:STDIO,RPATH,WPATH,CPATH,UNIX,FLOCK")).isEqualTo("[]");
            assertThat(subject.ask("listen-unix " + byUmask + " " + socket)).isEqualTo("listens");
            assertThat(subject.ask("listen-unix 0 " + socket)).contains("FileSystemException",
                    "Operation not permitted");
        }
        assertThat(made).isEmptyDirectory();
    }

    @Test
    void a_running_process_confines_all_its_threads_and_those_to_come() throws Exception {
        try (RunningSubject subject = RunningSubject.free("-XX:+UseG1GC")) {
            assertThat(subject.ask("work")).isEqualTo("works");
            assertThat(subject.ask("enter promise:STDIO,RPATH")).isEqualTo("[]");
            ProcStatus status = ProcStatus.of(subject.pid());
            assertThat(status.tasks()).hasSizeGreaterThan(8);
            assertThat(status.distinct("Seccomp", "NoNewPrivs"))
                    .isEqualTo(Map.of("Seccomp", Set.of("2"), "NoNewPrivs", Set.of("1")));
            assertThat(subject.ask("raw openat -100 s:/etc/shadow 0")).as("as root, still").matches("\\d+");
            assertThat(subject.ask("raw openat -100 s:/etc/shadow 1")).isEqualTo("EACCES");
            assertThat(subject.ask("raw execve s:/bin/true 0 0")).isEqualTo("EACCES");
            assertThat(subject.ask("enter promise:STDIO")).as("promises can be narrowed later").isEqualTo("[]");
            assertThat(subject.ask("raw openat -100 s:/etc/shadow 0")).isEqualTo("EACCES");
            assertThat(subject.ask("work")).isEqualTo("works");
            assertThat(status.distinct("Seccomp_filters").get("Seccomp_filters")).containsExactly("2");
        }
    }

    @Test
    void a_thread_with_a_filter_of_its_own_that_cannot_be_given_ours_is_an_error() throws Exception {
        try (RunningSubject subject = RunningSubject.free()) {
            assertThat(subject.ask("filter-one-thread")).isEqualTo("filtered 0");
            assertThat(subject.ask("enter promise:STDIO")).startsWith("at seccomp: seccomp: thread ")
                    .endsWith(" could not be given the filter");
        }
    }

    @Test
    void what_would_bind_one_thread_only_is_refused_in_a_running_process_before_anything_is_done() throws Exception {
        try (RunningSubject subject = RunningSubject.free()) {
            for (String words : List.of("java", "read:/etc", "ns:NET", "root", "chroot:/tmp", "ids", "bound"))
                assertThat(subject.ask("enter promise:STDIO " + words)).startsWith("at ").contains("spawn");
            assertThat(ProcStatus.of(subject.pid()).distinct("Seccomp").get("Seccomp")).containsExactly("0");
            assertThat(subject.ask("enter promise:STDIO java ids if-possible")).startsWith("[unveil: ")
                    .contains("ids: ");
            assertThat(ProcStatus.of(subject.pid()).distinct("Seccomp").get("Seccomp")).containsExactly("2");
        }
    }

    @Test
    void a_process_that_was_not_confined_as_described_finds_it_out() throws Exception {
        try (RunningSubject subject = RunningSubject.free()) {
            assertThat(subject.ask("complete ids")).startsWith("at proof: ").contains("NoNewPrivs 0");
            assertThat(subject.ask("complete java")).startsWith("at proof: ").contains("can be listed");
        }
        try (RunningSubject subject = RunningSubject.confined("none")) {
            assertThat(subject.ask("complete none")).isEqualTo("[]");
            assertThat(subject.ask("complete ids")).startsWith("at proof: ").contains("Uid 0 0 0 0");
            assertThat(subject.ask("complete bound")).startsWith("at proof: ").contains("CapBnd");
        }
    }

    @Test
    void what_the_parent_could_not_give_is_told_in_the_child_and_the_rest_is_done() throws Exception {
        String words = "ids bound java promise:STDIO if-possible";
        try (RunningSubject subject = RunningSubject.free()) {
            assertThat(subject.ask("complete " + words)).startsWith("[ids: ").contains("bounding set: ")
                    .contains("unveil: ");
            assertThat(ProcStatus.of(subject.pid()).distinct("Seccomp").get("Seccomp")).containsExactly("2");
            assertThat(subject.ask("raw openat -100 s:/etc/hosts 0")).isEqualTo("EACCES");
        }
        try (RunningSubject subject = RunningSubject.confined(words)) {
            assertThat(subject.ask("complete " + words)).isEqualTo("[]");
        }
    }

    @Test
    void what_this_machine_enforces_is_what_the_kernel_says() throws Exception {
        Platform here = Confinement.query();
        assertThat(here.system()).isEqualTo("LINUX");
        assertThat(here.pledge()).isFalse();
        assertThat(here.seccomp())
                .isEqualTo(Files.readString(Path.of("/proc/sys/kernel/seccomp/actions_avail")).contains("errno"));
        long effective = Long.parseUnsignedLong(ProcStatus.of((int) ProcessHandle.current().pid()).tasks().getFirst()
                .get("CapEff"), 16);
        assertThat(Capability.mask(here.capabilities())).isEqualTo(effective);
        assertThat(here.namespaces()).isEqualTo(Set.of(Namespace.values()));
    }

    @Test
    void what_this_process_may_do_is_known_although_no_descriptor_is_free() throws Exception {
        Platform here = Confinement.query();
        assertThat(DescriptorLimit.whileNoneIsFree(Confinement::query)).isEqualTo(here);
    }

    @Test
    void one_capability_can_be_left() throws Exception {
        try (RunningSubject subject = RunningSubject.confined("ids bind ns:NET promise:STDIO,INET")) {
            String left = "0000000000000400";
            assertThat(ProcStatus.of(subject.pid()).distinct("CapPrm", "CapEff", "CapBnd", "CapAmb"))
                    .isEqualTo(Map.of("CapPrm",
                            Set.of(left), "CapEff", Set.of(left), "CapBnd", Set.of(left), "CapAmb", Set.of(left)));
            assertThat(subject.ask("preload")).isEqualTo("preloaded");
            assertThat(subject.ask("complete ids bind ns:NET promise:STDIO,INET")).isEqualTo("[]");
            assertThat(subject.ask("listen 80")).isEqualTo("port 80");
            assertThat(subject.ask("raw openat -100 s:/etc/shadow 0")).isEqualTo("EACCES");
        }
    }

    @Test
    void without_root_promises_and_paths_still_hold() throws Exception {
        try (RunningSubject subject = RunningSubject.confined("ids bound")) {
            String cat = " = /bin/cat /etc/hosts";
            String programs = " exec:/usr exec:/lib exec:/lib64 exec:/bin read:/etc/ld.so.cache";
            assertThat(subject.ask("spawn none" + cat)).isEqualTo("exit 0");
            assertThat(subject.ask("spawn promise:STDIO,RPATH" + programs + " read:/etc/hosts" + cat))
                    .isEqualTo("exit 0");
            assertThat(subject.ask("spawn promise:STDIO,RPATH" + programs + cat)).isEqualTo("exit 1");
            assertThat(subject.ask("spawn ids" + cat)).as("who it is already").isEqualTo("exit 0");
            assertThat(subject.ask("spawn ns:NET" + cat)).startsWith("at namespaces: ").contains("lacks CAP_SYS_ADMIN");
            assertThat(subject.ask("spawn ns:NET root bound bind if-possible" + cat)).isEqualTo("exit 0");
        }
    }

    @Test
    void a_step_that_fails_is_named_and_nothing_is_started() {
        Confinement nowhere = Confinement.none().to(Descriptions.NOBODY).chroot(Path.of("/no/such/directory"));
        assertThatExceptionOfType(PrivilegeException.class)
                .isThrownBy(() -> nowhere.spawn(Child.of(Path.of("/bin/true"))))
                .withMessage("chroot(/no/such/directory): ENOENT (2): No such file or directory")
                .matches(e -> e.step().equals("chroot") && e.number().getAsInt() == 2);
        assertThatExceptionOfType(PrivilegeException.class)
                .isThrownBy(() -> Confinement.none().unveil(Path.of("/no/such/file"), Access.READ)
                        .spawn(Child.of(Path.of("/bin/true"))))
                .withMessage("unveil(/no/such/file): ENOENT (2): No such file or directory");
        assertThatExceptionOfType(IOException.class)
                .isThrownBy(() -> Confinement.none().spawn(Child.of(Path.of("/no/such/program"))))
                .withMessageContaining("posix_spawn(/no/such/program): ENOENT");
    }

    @Test
    void a_chrooted_child_finds_its_program_inside() throws Exception {
        Confinement chrooted = Confinement.none().chroot(directory);
        assertThatExceptionOfType(IOException.class).isThrownBy(() -> chrooted.spawn(Child.of(Path.of("/bin/true"))))
                .withMessageContaining("ENOENT");
        Confinement root = Confinement.none().privateRoot(PrivateRoot.java().readOnly(Path.of("/bin/true")));
        assertThat(root.spawn(Child.of(Path.of("/bin/true"))).waitFor().success()).isTrue();
    }

    @ParameterizedTest
    @ValueSource(strings = {"C", "C.UTF-8"})
    void a_directory_has_the_bytes_it_was_named_by_whatever_the_locale(String locale) throws Exception {
        assertThat(new ChildJvm().environment("LC_ALL", locale).run(ConfinesInAnyLocale.class, directory.toString())
                .lines()).containsExactly("unveiled 0", "chroot true", "unveiled 0", "chroot true");
    }

    @Test
    void a_working_directory_outside_of_the_new_root_is_refused() throws Exception {
        try (Fd open = Fd.open(directory)) {
            for (String root : List.of("chroot:/srv", "root"))
                assertThatExceptionOfType(IllegalArgumentException.class).as(root)
                        .isThrownBy(() -> Descriptions.of(root).spawn(Child.of(Path.of("/bin/true")).directory(open)))
                        .withMessageContaining("outside of the new root");
        }
    }

    @Test
    void who_is_the_user_by_its_real_ids_only_does_not_pass_on_the_others() throws Exception {
        List<String> command = new ArrayList<>(List.of("--ruid=64001", "--rgid=64002", "--groups=64003,64004",
                Path.of(System.getProperty("java.home"), "bin", "java").toString()));
        command.addAll(RunningSubject.command());
        try (RunningSubject subject = RunningSubject.startProgram(Child.Builder::start, Path.of("/usr/bin/setpriv"),
                command)) {
            assertThat(subject.ask("spawn ids = /bin/grep -qzP \\nUid:(\\t64001){4}\\nGid:(\\t64002){4}\\n"
                    + " /proc/self/status")).isEqualTo("exit 0");
        }
    }

    @Test
    void a_private_root_shows_what_it_was_told_to_and_only_that_can_be_written() throws Exception {
        Path open = Files.createDirectory(directory.resolve("open"));
        Path closed = Files.createDirectory(directory.resolve("closed"));
        Path link = Files.createSymbolicLink(directory.resolve("link"), Path.of("open"));
        PrivateRoot root = PrivateRoot.java().readOnly(Path.of("/bin")).readWrite(link).readOnly(closed);
        Confinement confinement = Confinement.none().privateRoot(root);
        String script = "exec 2> /dev/null; echo 1 > " + link + "/one; echo 2 > " + closed
                + "/two; echo 3 > /tmp/three; echo 4 > /four; "
                + "test -f /tmp/three && test ! -e /four && test ! -e /etc/passwd && test ! -e /sbin";
        assertThat(confinement.spawn(Child.of(Path.of("/bin/sh"), "-c", script)).waitFor().success()).isTrue();
        assertThat(open.resolve("one")).hasContent("1");
        assertThat(closed).isEmptyDirectory();
        assertThat(Path.of("/tmp/three")).doesNotExist();
    }

    @Test
    void what_a_child_writes_into_memory_of_its_private_root_is_bounded() throws Exception {
        PrivateRoot root = PrivateRoot.java().readOnly(Path.of("/bin")).memory(Path.of("/small"), 1 << 20);
        String script = "dd if=/dev/zero of=/tmp/a bs=1M count=100; test $(stat -c %s /tmp/a) = $((64 << 20)) || exit 1; "
                + "dd if=/dev/zero of=/small/a bs=1M count=2; test $(stat -c %s /small/a) = $((1 << 20)) || exit 2; "
                + "cd /small; seq 300 | xargs touch; test $(ls | wc -l) -lt 256 || exit 3";
        Child child = Confinement.none().privateRoot(root).to(Descriptions.NOBODY)
                .spawn(Child.of(Path.of("/bin/sh"), "-c", "exec 2> /dev/null; " + script));
        assertThat(child.waitFor().code()).isZero();
    }

    @Test
    void a_child_is_ended_before_others_when_memory_is_short_and_cannot_change_what_the_right_to_resources_has_set()
            throws Exception {
        Path ours = Path.of("/proc/self/oom_score_adj");
        String before = Files.readString(ours);
        try (Fd.Pair pipe = Fd.pipe()) {
            Child child = Confinement.none().to(Descriptions.NOBODY).spawn(Child.of(Path.of("/bin/sh"), "-c",
                    "read x; echo 0 2> /dev/null > /proc/self/oom_score_adj").descriptor(0, pipe.first()));
            assertThat(Path.of("/proc/" + child.pid() + "/oom_score_adj")).hasContent("1000");
            pipe.second().close();
            boolean set = Confinement.query().capabilities().contains(Capability.SYS_RESOURCE);
            assertThat(child.waitFor().success()).isEqualTo(!set);
        }
        try (RunningSubject subject = RunningSubject.confined("ids")) {
            assertThat(Path.of("/proc/" + subject.pid() + "/oom_score_adj")).hasContent("1000");
        }
        assertThat(ours).hasContent(before);
    }

    @Test
    void a_child_that_gives_way_stays_less_urgent_than_this_process() throws Exception {
        String script = "test $(nice) = $(($(ps -o ni= $PPID) + 3)) && nice -n -1 true 2>&1 | grep -q 'cannot set'";
        Confinement giving = Confinement.none().to(Descriptions.NOBODY).nice(3);
        assertThat(giving.spawn(Child.of(Path.of("/bin/sh"), "-c", script)).waitFor().success()).isTrue();
        assertThatExceptionOfType(PrivilegeException.class).isThrownBy(giving::enter)
                .withMessageContaining("niceness: cannot be given up by all threads of a running process");
    }

    @Test
    void a_virtual_or_interrupted_thread_may_start_a_confined_child() throws Exception {
        CompletableFuture<Boolean> outcome = new CompletableFuture<>();
        Thread.ofVirtual().start(() -> {
            try {
                Thread.currentThread().interrupt();
                Child child = Confinement.none().to(Descriptions.NOBODY).spawn(Child.of(Path.of("/bin/true")));
                boolean interrupted = Thread.interrupted();
                outcome.complete(interrupted && child.waitFor().success());
            } catch (IOException | InterruptedException | RuntimeException e) {
                outcome.completeExceptionally(e);
            }
        });
        assertThat(outcome.get()).isTrue();
    }

    @Test
    void the_attach_mechanism_of_a_jvm_that_did_not_promise_unix_answers_nobody() throws Exception {
        Path jcmd = Path.of(System.getProperty("java.home"), "bin", "jcmd");
        String attach = "execute " + jcmd + " -J-Dsun.tools.attach.attachTimeout=1000 ";
        try (RunningSubject open = RunningSubject.confined("ids");
                RunningSubject confined = RunningSubject.confined("ids promise:STDIO");
                RunningSubject attacker = RunningSubject.confined("ids")) {
            assertThat(confined.ask("complete ids promise:STDIO")).isEqualTo("[]");
            assertThat(attacker.ask(attach + open.pid() + " VM.version")).isEqualTo("exit 0");
            assertThat(attacker.ask(attach + confined.pid() + " VM.version")).isEqualTo("exit 1");
            assertThat(confined.ask("work")).isEqualTo("works");
        }
    }

    @Test
    void a_link_in_a_private_root_that_leads_to_itself_is_told(@TempDir Path directory) throws Exception {
        Path link = Files.createSymbolicLink(directory.resolve("link"), Path.of("link"));
        try (Arena arena = Arena.ofConfined()) {
            assertThatExceptionOfType(PrivilegeException.class)
                    .isThrownBy(() -> PrivateRoot.empty().readWrite(link.resolve("data")).steps(arena))
                    .withMessageContaining("FileSystemLoopException").withMessageContaining(link.toString());
        }
    }

    @Test
    void a_description_that_makes_no_sense_is_refused() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Confinement.none().unveil(Path.of("etc"), Access.READ)).withMessageContaining("etc");
        assertThatIllegalArgumentException().isThrownBy(() -> Confinement.none().unveil(Path.of("/etc")));
        assertThatIllegalArgumentException().isThrownBy(() -> Confinement.none().chroot(Path.of("srv")));
        assertThatIllegalArgumentException().isThrownBy(() -> Confinement.none().nice(40))
                .withMessageContaining("-39 to 39, not by 40");
        assertThatIllegalArgumentException().isThrownBy(() -> PrivateRoot.empty().readOnly(Path.of("/proc/self")));
    }
}
