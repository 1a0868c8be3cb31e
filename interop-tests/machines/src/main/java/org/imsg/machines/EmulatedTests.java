package org.imsg.machines;

import static org.junit.platform.engine.discovery.ClassNameFilter.includeClassNamePatterns;
import static org.junit.platform.engine.discovery.DiscoverySelectors.selectClasspathRoots;

import java.io.IOException;
import java.nio.file.Path;
import java.util.EnumMap;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Pattern;
import org.junit.platform.engine.FilterResult;
import org.junit.platform.engine.TestDescriptor;
import org.junit.platform.engine.TestExecutionResult;
import org.junit.platform.engine.TestExecutionResult.Status;
import org.junit.platform.engine.TestSource;
import org.junit.platform.engine.support.descriptor.ClassSource;
import org.junit.platform.engine.support.descriptor.MethodSource;
import org.junit.platform.launcher.LauncherDiscoveryRequest;
import org.junit.platform.launcher.LauncherSession;
import org.junit.platform.launcher.PostDiscoveryFilter;
import org.junit.platform.launcher.TestExecutionListener;
import org.junit.platform.launcher.TestIdentifier;
import org.junit.platform.launcher.core.LauncherDiscoveryRequestBuilder;
import org.junit.platform.launcher.core.LauncherFactory;

/**
 * Runs the compiled tests of one module in this JVM, which is an emulated one, and holds them against the {@link Exceptions}: a
 * test that is not on the list and fails is a fault, and so is one that is said to fail and passes.
 */
final class EmulatedTests implements TestExecutionListener {
    private final Exceptions exceptions;
    private final Pattern wanted;
    private final Map<String, Map<Status, Integer>> results = new TreeMap<>();
    private final Map<String, Long> begun = new TreeMap<>();
    private int skipped;

    private EmulatedTests(Exceptions exceptions, Pattern wanted) {
        this.exceptions = exceptions;
        this.wanted = wanted;
    }

    /**
     * Arguments: the machine, the list of exceptions, the folder of test classes, and a pattern of names, of classes or with a #
     * of methods.
     */
    public static void main(String[] arguments) throws IOException {
        EmulatedTests tests = new EmulatedTests(Exceptions.read(Path.of(arguments[1]), arguments[0]),
                Pattern.compile("(" + arguments[3] + ")(#.*)?"));
        LauncherDiscoveryRequest request = LauncherDiscoveryRequestBuilder.request()
                .selectors(selectClasspathRoots(Set.of(Path.of(arguments[2]))))
                .filters(includeClassNamePatterns(arguments[3].replaceAll("#(\\([^)]*\\)|[\\w\\\\+]+)", "")),
                        (PostDiscoveryFilter) tests::chosen)
                // Emulation is slow: only the run as a whole has an end.
                .configurationParameter("junit.jupiter.execution.timeout.mode", "disabled")
                .configurationParameter("imsg.testing.patience.milliseconds", "20000").build();
        try (LauncherSession session = LauncherFactory.openSession()) {
            session.getLauncher().execute(request, tests);
        }
        // Threads that tests of the end of a program leave do not matter here.
        System.exit(tests.judge() ? 0 : 1);
    }

    private FilterResult chosen(TestDescriptor test) {
        String name = test.getSource().map(EmulatedTests::name).orElse("");
        return FilterResult.includedIf(!exceptions.leavesOut(name)
                && (!name.contains("#") || wanted.matcher(name.replaceFirst("\\$[\\w$]+", "")).matches()));
    }

    @Override
    public void executionStarted(TestIdentifier test) {
        begun.put(test.getUniqueId(), System.nanoTime());
        if (test.getSource().orElse(null) instanceof ClassSource type)
            System.out.println("running " + type.getClassName());
    }

    @Override
    public void executionSkipped(TestIdentifier test, String reason) {
        skipped++;
        System.out.println("skipped: " + name(test) + " - " + reason);
    }

    @Override
    public void executionFinished(TestIdentifier test, TestExecutionResult result) {
        String name = name(test);
        if (test.isContainer() && result.getStatus() == Status.SUCCESSFUL)
            return;
        results.computeIfAbsent(name, _ -> new EnumMap<>(Status.class)).merge(result.getStatus(), 1, Integer::sum);
        long seconds = (System.nanoTime() - begun.get(test.getUniqueId())) / 1_000_000_000;
        if (seconds > 20)
            System.out.println("  " + seconds + " s: " + name + " " + test.getDisplayName());
        if (result.getStatus() == Status.ABORTED)
            System.out.println("skipped: " + name + " - "
                    + result.getThrowable().map(Throwable::getMessage).orElse("").replaceAll("\\s+", " "));
        if (result.getStatus() == Status.FAILED && exceptions.expects(name).isEmpty()) {
            System.out.println("failed: " + name + " " + test.getDisplayName());
            result.getThrowable().ifPresent(cause -> cause.printStackTrace(System.out));
        }
    }

    /** Says what is wrong, and how many tests passed, failed and were skipped. */
    private boolean judge() {
        int passed = 0;
        int failed = 0;
        int expected = 0;
        for (Map.Entry<String, Map<Status, Integer>> result : results.entrySet()) {
            int failures = result.getValue().getOrDefault(Status.FAILED, 0);
            passed += result.getValue().getOrDefault(Status.SUCCESSFUL, 0);
            skipped += result.getValue().getOrDefault(Status.ABORTED, 0);
            String reason = exceptions.expects(result.getKey()).orElse(null);
            if (reason == null) {
                failed += failures;
                if (failures > 0)
                    System.out.println("FAILED: " + result.getKey());
            } else if (failures == 0) {
                failed++;
                System.out.println("PASSED, and is on the list: " + result.getKey());
            } else {
                expected += failures;
                System.out.println("failed, as the list says: " + result.getKey() + " - " + reason);
            }
        }
        System.out.println(expected + " failed as the list says. Beside them:");
        System.out.println(passed + " passed, " + failed + " failed, " + skipped + " skipped");
        return failed == 0 && passed > 0;
    }

    private static String name(TestIdentifier test) {
        return test.getSource().map(EmulatedTests::name).orElse(test.getDisplayName());
    }

    /** The class, or class#method. */
    private static String name(TestSource source) {
        return switch (source) {
            case MethodSource method -> method.getClassName() + "#" + method.getMethodName();
            case ClassSource type -> type.getClassName();
            default -> source.toString();
        };
    }
}
