package org.imsg.interop;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;

import org.imsg.harness.debian.PeerUnavailableException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.opentest4j.TestAbortedException;

class PeersTest {
    private static final PeerUnavailableException UNAVAILABLE = new PeerUnavailableException("no mirror answers");

    @Test
    void a_missing_peer_skips_the_test_with_its_reason() {
        assertThat(Peers.skipOrFailure(UNAVAILABLE, false)).isInstanceOf(TestAbortedException.class)
                .hasMessage("no mirror answers");
    }

    @Test
    void a_missing_peer_fails_the_test_where_peers_are_required() {
        assertThat(Peers.skipOrFailure(UNAVAILABLE, true)).isNotInstanceOf(TestAbortedException.class)
                .hasMessage("IMSG_PEERS=required, but no mirror answers");
    }

    @Test
    void a_failed_test_shows_the_end_of_the_logs_written_since_it_began(@TempDir Path logs) throws Exception {
        Instant start = Instant.now().minus(Duration.ofMinutes(1));
        Files.writeString(logs.resolve("bgpd.log"), "first line\n".repeat(60) + "fatal: no such thing\n");
        Path old = Files.writeString(logs.resolve("old.log"), "from another test\n");
        Files.setLastModifiedTime(old, FileTime.from(start.minus(Duration.ofMinutes(1))));
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        RealPeersExtension.printLogs(logs, start, new PrintStream(out, true, StandardCharsets.UTF_8));
        assertThat(out.toString(StandardCharsets.UTF_8).lines()).hasSize(41).contains("fatal: no such thing")
                .doesNotContain("from another test");
    }
}
