package org.imsg.testing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;
import static org.junit.platform.engine.discovery.DiscoverySelectors.selectClass;
import static org.junit.platform.launcher.core.LauncherDiscoveryRequestBuilder.request;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;

import org.junit.jupiter.api.Disabled;
import org.junit.jupiter.api.Test;
import org.junit.platform.launcher.core.LauncherConfig;
import org.junit.platform.launcher.core.LauncherFactory;

class SkipReportTest {
    @Test
    void every_skipped_test_is_listed_with_its_reason_and_their_number_comes_first() {
        assertThat(reportOf(Sample.class)).startsWith("skipped (3):\n").contains(
                "  SkipReportTest.Sample.aborted - no chroot here\n",
                "  SkipReportTest.Sample.aborted_with_two_lines - one two\n",
                "  SkipReportTest.Sample.disabled - not today\n").doesNotContain("passes");
    }

    @Test
    void a_run_without_skipped_tests_prints_nothing() {
        assertThat(reportOf(AllPass.class)).isEmpty();
    }

    private static String reportOf(Class<?> testClass) {
        var quiet = LauncherConfig.builder().enableTestExecutionListenerAutoRegistration(false)
                .enableLauncherSessionListenerAutoRegistration(false).build();
        SkipReport report = new SkipReport();
        LauncherFactory.create(quiet).execute(
                request().selectors(selectClass(testClass)).build(), report);
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        SkipReport.print(new PrintStream(out, false, StandardCharsets.UTF_8));
        return out.toString(StandardCharsets.UTF_8);
    }

    static class Sample {
        @Test
        void aborted() {
            assumeTrue(false, "no chroot here");
        }

        @Test
        void aborted_with_two_lines() {
            assumeTrue(false, "one\n  two");
        }

        @Test
        @Disabled("not today")
        void disabled() {}

        @Test
        void passes() {}
    }

    static class AllPass {
        @Test
        void passes() {}
    }
}
