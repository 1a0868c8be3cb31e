package org.imsg.harness.junit;

import static org.junit.platform.engine.discovery.DiscoverySelectors.selectClass;

import java.util.HashMap;
import java.util.Map;

import org.junit.platform.engine.TestExecutionResult;
import org.junit.platform.engine.support.descriptor.MethodSource;
import org.junit.platform.testkit.engine.EngineTestKit;
import org.junit.platform.testkit.engine.Event;

/** Runs small test classes of which some are to fail. */
final class SampleTests {
    private SampleTests() {}

    /** The failures by the names of the methods; the parameters are names and values. */
    static Map<String, Throwable> failures(Class<?> tests, String... parameters) {
        EngineTestKit.Builder run = EngineTestKit.engine("junit-jupiter").selectors(selectClass(tests))
                .configurationParameter("junit.jupiter.extensions.autodetection.enabled", "false")
                .configurationParameter(Sample.ASKED, "true")
                .configurationParameter("imsg.harness.patience.milliseconds", "300");
        for (int i = 0; i < parameters.length; i += 2)
            run.configurationParameter(parameters[i], parameters[i + 1]);
        Map<String, Throwable> failures = new HashMap<>();
        run.execute().testEvents().failed().stream().forEach(event -> failures.put(method(event), failure(event)));
        return failures;
    }

    private static String method(Event event) {
        return ((MethodSource) event.getTestDescriptor().getSource().orElseThrow()).getMethodName();
    }

    private static Throwable failure(Event event) {
        return event.getRequiredPayload(TestExecutionResult.class).getThrowable().orElseThrow();
    }
}
