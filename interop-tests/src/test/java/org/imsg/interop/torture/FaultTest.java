package org.imsg.interop.torture;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.imsg.testing.ClassPlaces;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What is done while each of its calls fails in turn ends with an {@code IOException} or as always, and leaves nothing. */
@EnabledOnOs(OS.LINUX)
class FaultTest {
    /** Functions that cannot fail but for want of memory, or for want of a right, which the tests of privsep see. */
    private static final Set<String> NOT_TRIED = Set.of("accept", "adjtimex", "calloc", "chdir", "chroot",
            "clock_settime",
            "closedir",
            "dup2",
            "fchmod", "fchmodat", "fchown", "fchownat", "free", "geteuid", "getgid", "getgrgid_r", "getgrnam_r",
            "getgrouplist",
            "getgroups",
            "getpeereid", "getpriority", "getpwnam_r", "getpwuid_r", "getrlimit", "getuid", "kevent", "kqueue", "pipe",
            "pledge",
            "posix_spawn_file_actions_addclose", "posix_spawn_file_actions_addclosefrom_np",
            "posix_spawn_file_actions_adddup2", "posix_spawn_file_actions_addfchdir_np",
            "posix_spawn_file_actions_destroy", "posix_spawn_file_actions_init",
            "posix_spawnattr_destroy", "posix_spawnattr_init", "posix_spawnattr_setflags",
            "posix_spawnattr_setsigdefault",
            "posix_spawnattr_setsigmask", "realloc", "setgroups", "setresgid", "setresuid", "sigaction", "sigemptyset",
            "sigfillset",
            "strerror",
            "unveil");

    @ParameterizedTest
    @ValueSource(strings = {"pair", "batch", "daemon", "virtual", "full", "full-virtual", "descriptors", "child",
            "netty", "netty-plain"})
    void every_call_may_fail_and_nothing_is_lost_or_left(String scenario, @TempDir Path directory) throws Exception {
        Path injector = injector();
        Path faults = Files.write(directory.resolve("faults"), new byte[Faults.BYTES]);
        var command = new ProcessBuilder(Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:+UseSerialGC", "--enable-native-access=ALL-UNNAMED", "-Djava.io.tmpdir=" + directory, "-cp",
                ClassPlaces.ofThisJvmAnd(FaultRun.class), FaultRun.class.getName(),
                System.getProperty("imsg.torture.times", "2"), scenario).redirectErrorStream(true);
        command.environment().putAll(java.util.Map.of("LD_AUDIT", injector.toString(), Faults.VARIABLE,
                faults.toString()));
        Process run = command.start();
        run.getOutputStream().close();
        String printed = new String(run.getInputStream().readAllBytes(), UTF_8);
        run.waitFor();
        assertThat(printed).containsPattern("\\n[1-9]\\d+ faults, 0 wrong");
        System.out.print(printed);
    }

    @Test
    void every_function_that_is_called_can_be_made_to_fail() throws IOException {
        Set<String> called = new TreeSet<>();
        Pattern name = Pattern.compile("new CFunction\\(\\s*\"(\\w+)\"");
        try (Stream<Path> files = Files.walk(Path.of("..", "imsg", "src", "main", "java"))) {
            for (Path file : files.filter(each -> each.toString().endsWith(".java")).toList())
                name.matcher(Files.readString(file)).results().forEach(match -> called.add(match.group(1)));
        }
        assertThat(called).contains("recvmsg", "sendmsg");
        called.removeAll(NOT_TRIED);
        assertThat(Faults.CALLS).containsAll(called);
    }

    @Test
    void the_injector_has_the_same_calls_in_the_same_order() throws IOException {
        String source = Files.readString(Path.of("..", "c-reference", "fault-injector.c"));
        String list = source.substring(source.indexOf("#define CALLS"), source.indexOf("enum {"));
        List<String> calls = Pattern.compile("X\\((\\w+)\\)").matcher(list.substring(list.indexOf('\n'))).results()
                .map(match -> match.group(1)).toList();
        assertThat(calls).isEqualTo(Faults.CALLS);
    }

    private static Path injector() {
        Path injector = Path.of(System.getProperty("imsg.c-reference"), "fault-injector.so");
        assumeTrue(Files.exists(injector), "make built no fault injector: not glibc");
        return injector;
    }
}
