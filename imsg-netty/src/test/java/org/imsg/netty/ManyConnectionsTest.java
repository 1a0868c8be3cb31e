package org.imsg.netty;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.imsg.unix.Child;
import org.imsg.unix.Fd;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What needs a descriptor table of another size, and so a JVM of its own. */
@Timeout(180)
class ManyConnectionsTest {
    private static final int DESCRIPTORS = 16_000;

    @TempDir
    private Path directory;

    @Test
    void ten_thousand_connections_on_one_loop_lose_nothing() throws Exception {
        assumeTrue(hardLimit() >= DESCRIPTORS,
                "this process may have no " + DESCRIPTORS + " descriptors (RLIMIT_NOFILE)");
        String socket = directory.resolve("socket").toString();
        Fd.Pair pair = Fd.socketpair();
        Child server = ChildJvm.start(TenThousand.class, pair.second(), "server", socket);
        pair.second().close();
        String printed;
        try (Wire toServer = new Wire(pair.first())) {
            assertThat(toServer.receive().text()).isEqualTo("listening");
            printed = ChildJvm.run(TenThousand.class, DESCRIPTORS, "client", socket);
        }
        System.out.print(printed);
        assertThat(server.waitFor().success()).isTrue();
        assertThat(printed).contains("50000 echoes, 5000 of them with a descriptor").contains("nothing lost");
    }

    @ParameterizedTest
    @MethodSource("org.imsg.netty.Loops#available")
    void a_full_descriptor_table_is_survived(Loops loops) throws Exception {
        assertThat(ChildJvm.run(FullTable.class, 300, loops.name()).lines()).containsExactly("a full table is EMFILE",
                "before: descriptor PRESENT",
                "while full: descriptor LOST", "still served: descriptor NONE", "full: served on",
                "waiting to be accepted: descriptor NONE", "after: descriptor PRESENT", "after: descriptor PRESENT",
                "free: recovered");
    }

    private static long hardLimit() throws IOException {
        for (String line : Files.readAllLines(Path.of("/proc/self/limits")))
            if (line.startsWith("Max open files"))
                return Long.parseLong(line.split("\\s+")[4].replace("unlimited", "" + Long.MAX_VALUE));
        throw new IOException("no limit of open files in /proc/self/limits");
    }
}
