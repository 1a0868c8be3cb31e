package org.imsg.privsep;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import java.nio.file.Path;
import java.time.Duration;
import org.imsg.Imsg;
import org.imsg.unix.Fd;
import org.junit.jupiter.api.Test;

class IntroductionsTest {
    private final Instance other = new Instance(new RoleSettings("other", () -> _ -> {}), 3,
            new Backoff(Duration.ofSeconds(1), Duration.ofSeconds(1)));
    private final Introductions introductions = new Introductions();

    private Protocol.Introduction introduction() throws Exception {
        try (Imsg message = introductions.to(other, Fd.open(Path.of("/dev/null")))) {
            return Protocol.Introduction.of(message);
        }
    }

    @Test
    void a_channel_is_lost_once_and_a_child_loses_no_more_than_a_hundred() throws Exception {
        Protocol.Introduction last = null;
        for (int i = 0; i < 100; i++) {
            last = introduction();
            assertThat(introductions.lost(last)).isSameAs(other);
        }
        Protocol.Introduction lost = last;
        assertThatExceptionOfType(ViolationException.class).isThrownBy(() -> introductions.lost(lost))
                .withMessage("says that it lost a channel that it was not sent");
        Protocol.Introduction oneMore = introduction();
        assertThatExceptionOfType(ViolationException.class).isThrownBy(() -> introductions.lost(oneMore))
                .withMessage("has lost more than 100 channels for want of descriptors");
    }
}
