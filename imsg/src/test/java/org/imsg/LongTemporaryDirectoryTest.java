package org.imsg;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import org.imsg.testing.ChildJvm;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class LongTemporaryDirectoryTest {
    @Test
    void a_socket_channel_that_cannot_be_made_leaves_nothing_open(@TempDir Path directory) throws Exception {
        Path tooLong = Files.createDirectory(directory.resolve("x".repeat(100)));
        assertThat(new ChildJvm().option("-Djava.io.tmpdir=" + tooLong).run(LongTemporaryDirectory.class))
                .contains("0 more sockets, the caller's still open");
    }
}
