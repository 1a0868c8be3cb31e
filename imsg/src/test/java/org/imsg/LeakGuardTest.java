package org.imsg;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.platform.engine.discovery.DiscoverySelectors.selectClass;

import java.nio.file.Path;
import java.util.List;
import org.imsg.testing.Call;
import org.imsg.testing.CapturedLog;
import org.imsg.unix.Fd;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.platform.engine.TestExecutionResult;
import org.junit.platform.testkit.engine.EngineTestKit;

/** A test that forgets a descriptor of ours fails, although a cleaner would close it some time. */
@EnabledOnOs(OS.LINUX)
class LeakGuardTest {
    @Test
    void a_forgotten_descriptor_fails_its_test() throws Exception {
        assertThat(failures(ForgetsADescriptor.class, 1)).singleElement().asString().contains("left: fd ", "/dev/null");
    }

    @Test
    void a_forgotten_pair_of_channels_fails_its_test() throws Exception {
        assertThat(failures(ForgetsChannels.class, 2)).singleElement().asString().contains("left: fd ", "socket:[");
    }

    /** What the guard said; only then are so many forgotten descriptors collected, with their records in the log. */
    private static List<String> failures(Class<?> sample, int forgotten) throws Exception {
        try (CapturedLog log = new CapturedLog(Fd.class)) {
            List<String> failures = EngineTestKit.engine("junit-jupiter")
                    .configurationParameter("junit.jupiter.extensions.autodetection.enabled", "true")
                    .configurationParameter("imsg.testing.patience.milliseconds", "100").selectors(selectClass(sample))
                    .execute().allEvents().failed().stream()
                    .map(failed -> failed.getRequiredPayload(TestExecutionResult.class).getThrowable().orElseThrow()
                            .getMessage())
                    .toList();
            Call.until(() -> {
                System.gc();
                return log.lines().size() >= forgotten;
            });
            return failures;
        }
    }

    static class ForgetsADescriptor {
        @Test
        void forgets() throws Exception {
            Fd.open(Path.of("/dev/null"));
        }
    }

    static class ForgetsChannels {
        @Test
        void forgets() throws Exception {
            ImsgChannel.pair();
        }
    }
}
