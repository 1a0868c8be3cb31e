package org.imsg.harness.tap;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import org.imsg.testing.ChildJvm;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(180)
class ManyDescriptorsTest {
    private static final String NO_ROOM = "no room for 16 of 16 bytes in time: the peer does not read (ETOOMANYREFS)";

    /** The kernel's bound is a user's, and is the limit of open descriptors of the process that passes one. */
    @Test
    void a_tap_waits_where_the_kernel_passes_no_more_descriptors_and_loses_nothing(@TempDir Path directory)
            throws Exception {
        assertThat(new ChildJvm().unprivileged().mostDescriptors(200)
                .run(ManyDescriptors.class, directory.toString()).lines())
                .containsExactly(NO_ROOM, NO_ROOM, NO_ROOM, "another client is answered with 16 bytes",
                        "a client whose daemon leaves: EPIPE", "all have come, and the ends");
    }
}
