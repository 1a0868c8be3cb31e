package org.imsg.harness.debian;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import org.imsg.WireFormat;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SpokenFormatTest {
    @ParameterizedTest
    @CsvSource({"tmux, 3.3a-3, CLASSIC", "tmux, 3.5a-3, CLASSIC", "tmux, 3.6-1, MODERN", "tmux, 3.7c-1, MODERN",
            "openbgpd, 7.7-2, CLASSIC", "openbgpd, 8.6-1, CLASSIC", "openbgpd, 8.7-1, MODERN",
            "openbgpd, 9.3-1, MODERN", "openntpd, 1:6.2p3-4.2+b1, CLASSIC", "openntpd, 1:7.9p1-5, MODERN",
            "opensmtpd, 6.8.0p2-4+b4, CLASSIC", "opensmtpd, 7.6.0p1-1, CLASSIC", "opensmtpd, 7.9.0p0-1, MODERN",
            "frr, 8.4.4-1.1~deb12u2, CLASSIC", "frr, 10.3-1, CLASSIC", "tmux, 3.10-1, MODERN"})
    void the_version_of_a_package_tells_what_it_speaks(String packageName, String version, WireFormat format) {
        assertThat(SpokenFormat.of(packageName, version)).isEqualTo(format);
    }

    @Test
    void a_program_or_version_nobody_tried_is_refused() {
        assertThatIllegalArgumentException().isThrownBy(() -> SpokenFormat.of("sudo", "1.9"))
                .withMessageContaining("sudo 1.9");
        assertThatIllegalArgumentException().isThrownBy(() -> SpokenFormat.of("tmux", "next"))
                .withMessageContaining("tmux next");
    }
}
