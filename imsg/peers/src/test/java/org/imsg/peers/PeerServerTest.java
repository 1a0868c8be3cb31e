package org.imsg.peers;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import org.imsg.Imsg;
import org.imsg.ImsgChannel;
import org.imsg.WireFormat;
import org.imsg.testing.CapturedLog;
import org.imsg.unix.UnixListener;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class PeerServerTest {
    private static final int FAIL = 99;

    @TempDir
    Path directory;

    @Test
    void clients_are_served_side_by_side_one_that_fails_is_dropped_and_closing_ends_all() throws Exception {
        Path socket = directory.resolve("socket");
        try (CapturedLog log = new CapturedLog(UnixListener.class)) {
            PeerServer server = PeerServer.listen(socket, channel -> channel.format(WireFormat.MODERN), (client, _) -> {
                for (Imsg request; (request = client.receive()) != null;) {
                    if (request.type() == FAIL)
                        throw new IllegalStateException("the session's own");
                    client.send(request);
                }
            });
            assertThat(Files.getPosixFilePermissions(socket)).isEqualTo(PosixFilePermissions.fromString("rw-rw-rw-"));
            try (var failing = ImsgChannel.connect(socket); var other = ImsgChannel.connect(socket)) {
                failing.send(Imsg.of(FAIL));
                assertThat(failing.receive()).isNull();
                other.send(Imsg.of(1));
                assertThat(other.receive().type()).isEqualTo(1);
                server.close();
                assertThat(other.receive()).isNull();
            }
            assertThat(log.lines()).hasSize(1).first().asString().contains("the session's own");
        }
        assertThat(socket).doesNotExist();
    }
}
