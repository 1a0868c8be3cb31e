package org.imsg.privsep.rights;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import org.imsg.privsep.ops.Root;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;

/** A process held against a confinement from outside: this one, which has none. */
@EnabledOnOs(OS.LINUX)
class DifferencesTest {
    private static final long PID = ProcessHandle.current().pid();

    @BeforeEach
    void asRoot() throws Exception {
        Root.required();
    }

    @Test
    void every_thread_that_has_more_is_named_with_what_it_has() throws Exception {
        assertThat(Confinement.none().promise(Promise.STDIO).differences(PID)).hasSizeGreaterThan(1)
                .allMatch(line -> line.matches("thread \\d+ \\(.*\\) has NoNewPrivs 0 instead of 1"));
    }

    @Test
    void another_root_and_namespaces_that_are_not_its_own_are_told() throws Exception {
        assertThat(Confinement.none().namespaces(Namespace.NET, Namespace.IPC).differences(PID))
                .contains("has no net namespace of its own", "has no ipc namespace of its own");
        assertThat(Confinement.none().to(Ids.of(64000, 64000)).chroot(Path.of("/usr")).differences(PID))
                .contains("has root / instead of /usr");
    }

    @Test
    void a_process_that_has_ended_differs_in_nothing() throws Exception {
        Process ended = new ProcessBuilder("/bin/true").start();
        ended.waitFor();
        assertThat(Confinement.none().namespaces(Namespace.NET).differences(ended.pid())).isEmpty();
    }

    @Test
    void a_process_that_ends_while_it_is_looked_at_differs_in_nothing_it_was_not_started_with() throws Exception {
        Confinement declared = Confinement.none().limit(Resource.NOFILE, 1 << 30).nice(-1)
                .namespaces(Namespace.NET);
        for (int i = 0; i < 300; i++) {
            Process process = new ProcessBuilder("/bin/true").start();
            while (process.isAlive())
                assertThat(declared.differences(process.pid()))
                        .allMatch(line -> line.equals("has no net namespace of its own")
                                || line.endsWith(" has NoNewPrivs 0 instead of 1"));
            process.waitFor();
        }
    }
}
