package org.imsg.privsep.rights;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.imsg.unix.Child;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A confined JVM trusts whom its parent trusts, wherever the files of the JDK really are. */
@Timeout(120)
class JdkLayoutsTest {
    @TempDir
    private Path directory;

    @BeforeEach
    void asRoot() throws IOException {
        assumeThat(Ids.current().isRoot()).as("needs root: children are another user").isTrue();
    }

    private static String trust(Path home) {
        return home.resolve("bin/java") + " -Xshare:auto -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -cp "
                + RunningSubject.jar() + " " + Subject.class.getName() + " trust";
    }

    private static void hasTheSameAnchorsConfined(Path home) throws Exception {
        String[] free = trust(home).split(" ");
        int anchors = Child.of(Path.of(free[0]), List.of(free).subList(1, free.length).toArray(String[]::new)).start()
                .waitFor().code();
        assertThat(anchors).isGreaterThan(1);
        List<String> command = new ArrayList<>(RunningSubject.command());
        try (RunningSubject parent = RunningSubject.startProgram(Child.Builder::start, home.resolve("bin/java"),
                command)) {
            for (String words : new String[]{"ids java read:" + RunningSubject.jar(),
                    "ids root:" + RunningSubject.jar()})
                assertThat(parent.ask("spawn " + words + " = " + trust(home))).as(words).isEqualTo("exit " + anchors);
        }
    }

    @Test
    void in_the_jdk_that_runs_this() throws Exception {
        hasTheSameAnchorsConfined(Path.of(System.getProperty("java.home")));
    }

    /** conf and lib/security are links to /etc there. */
    @Test
    void in_a_jdk_of_the_layout_of_debian() throws Exception {
        Path home = Path.of(System.getProperty("java.home"));
        String script = """
                set -e; umask 022; chmod 755 "$1"; mkdir -p "$1/jdk/lib" "$1/etc"
                cp -r "$0/conf" "$1/etc/conf"; cp -r "$0/lib/security" "$1/etc/security"; cp -r "$0/bin" "$1/jdk/bin"
                for each in "$0"/lib/*; do
                    test "${each##*/}" = security || cp -rl "$each" "$1/jdk/lib/" 2>/dev/null || cp -r "$each" "$1/jdk/lib/"
                done
                ln -s conf "$1/etc/link"; ln -s "$1/etc/link" "$1/jdk/conf"
                ln -s ../../etc/security "$1/jdk/lib/security"
                """;
        assertThat(Child.of(Path.of("/bin/sh"), "-c", script, home.toString(), directory.toString())
                .environment("PATH", "/usr/bin:/bin").start().waitFor().success()).isTrue();
        hasTheSameAnchorsConfined(directory.resolve("jdk"));
    }
}
