package org.imsg.netty;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(120)
class FlightRecorderTest {
    private static final Path SETTINGS = Path.of("..", "imsg", "src", "main", "resources", "META-INF", "imsg.jfc");

    @Test
    void a_request_whose_reply_does_not_come_in_time_is_recorded_by_the_settings_file(@TempDir Path directory)
            throws Exception {
        assertThat(ChildJvm.runIn("C", TimesOut.class, SETTINGS.toAbsolutePath().toString(),
                directory.resolve("netty.jfr").toString()))
                .isEqualTo("imsg.netty.RequestTimeout 4294967295 PT1S embedded\n");
    }
}
