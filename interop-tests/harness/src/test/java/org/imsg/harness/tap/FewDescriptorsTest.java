package org.imsg.harness.tap;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import org.imsg.testing.ChildJvm;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A server whose process has no descriptor left: in a JVM of its own, for the table is the process's. */
@Timeout(120)
class FewDescriptorsTest {
    @ParameterizedTest
    @ValueSource(strings = {"scripted", "peer", "tap"})
    void a_client_there_is_no_room_for_waits_and_is_served_later_and_the_others_are_meanwhile(String server,
            @TempDir Path directory) throws Exception {
        assertThat(new ChildJvm().mostDescriptors(250).run(FewDescriptors.class, server, directory.toString()).lines()
                .filter(line -> !line.startsWith("warm-up"))).startsWith("first 5")
                .containsSequence("open EMFILE", "second waits")
                .endsWith("second 5", "left open 0");
    }
}
