package org.imsg.testing;

import java.time.Duration;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.LockSupport;

import org.junit.jupiter.api.extension.AfterAllCallback;
import org.junit.jupiter.api.extension.AfterEachCallback;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.BeforeEachCallback;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.TestInstanceFactoryContext;
import org.junit.jupiter.api.extension.TestInstancePreConstructCallback;

/**
 * Fails a test that ends with other descriptors, children or mounts than it began with; the message names each. JUnit
 * registers it for every test by itself. Counting begins before the test's instance is made and ends after the last
 * {@code @AfterEach} method, so a fixture may hold descriptors in its fields. A class as a whole is held to the same,
 * from before {@code @BeforeAll} to after {@code @AfterAll}; it may close what was open before it.
 *
 * <p>A difference is given two seconds (configuration parameter {@code imsg.testing.patience.milliseconds}) to go away:
 * threads of the JDK close and reap a little later than the call that asked for it returns. The check itself starts no
 * collection of garbage, so that no cleaner closes a descriptor that the test forgot; one that the JVM starts by itself
 * can still hide it.
 *
 * <p>Children are those of this process. Mounts are those in its {@linkplain TemporaryDirectory temporary directories}
 * and in its working directory: other mounts belong to other programs of the machine. Tests that run side by side would
 * blame each other: run them one after the other. Without {@code /proc/self} (not Linux), nothing is checked.
 */
public final class LeakExtension
        implements
            TestInstancePreConstructCallback,
            BeforeEachCallback,
            AfterEachCallback,
            BeforeAllCallback,
            AfterAllCallback {
    private static final String PATIENCE = "imsg.testing.patience.milliseconds";
    private static final int USUAL_PATIENCE = 2000;
    private static final Duration PAUSE = Duration.ofMillis(2);
    private static final String LEFT = "left: ";
    private static final String GONE = "gone: ";
    private static final boolean VISIBLE = ProcessState.isVisible();

    /** What a test was already failed for, so that neither its class nor the next test is failed for it too. */
    private static final Set<String> REPORTED = ConcurrentHashMap.newKeySet();

    /** For JUnit, which makes one for each test run. */
    public LeakExtension() {
        if (VISIBLE) {
            WarmUp.once();
        }
    }

    @Override
    public ExtensionContextScope getTestInstantiationExtensionContextScope(ExtensionContext rootContext) {
        return ExtensionContextScope.TEST_METHOD;
    }

    @Override
    public void preConstructTestInstance(TestInstanceFactoryContext factory, ExtensionContext context) {
        if (context.getTestMethod().isPresent()) {
            remember(context);
        }
    }

    @Override
    public void beforeEach(ExtensionContext context) {
        remember(context);
    }

    @Override
    public void beforeAll(ExtensionContext context) {
        remember(context);
    }

    @Override
    public void afterEach(ExtensionContext context) {
        compare(context, true);
    }

    @Override
    public void afterAll(ExtensionContext context) {
        compare(context, false);
    }

    private static void remember(ExtensionContext context) {
        if (VISIBLE) {
            ProcessState before = store(context).getOrComputeIfAbsent("before", _ -> ProcessState.now(),
                    ProcessState.class);
            REPORTED.removeIf(reported -> !before.contains(reported));
        }
    }

    private static void compare(ExtensionContext context, boolean bothWays) {
        ProcessState before = store(context).get("before", ProcessState.class);
        if (before == null) {
            return;
        }
        Set<String> differences = differences(before, bothWays);
        if (!differences.isEmpty()) {
            long deadline = System.nanoTime() + patience(context).toNanos();
            while (!differences.isEmpty() && System.nanoTime() < deadline) {
                LockSupport.parkNanos(PAUSE.toNanos());
                differences = differences(before, bothWays);
            }
        }
        if (!differences.isEmpty()) {
            differences.forEach(difference -> REPORTED.add(difference.substring(LEFT.length())));
            throw new AssertionError(context.getDisplayName() + " ends with other resources than it began with: "
                    + String.join("; ", differences));
        }
    }

    private static Set<String> differences(ProcessState before, boolean bothWays) {
        ProcessState after = ProcessState.now();
        Set<String> found = new TreeSet<>();
        before.missingFrom(after).stream().filter(left -> !REPORTED.contains(left))
                .forEach(left -> found.add(LEFT + left));
        if (bothWays) {
            after.missingFrom(before).stream().filter(gone -> !REPORTED.contains(gone))
                    .forEach(gone -> found.add(GONE + gone));
        }
        return found;
    }

    private static Duration patience(ExtensionContext context) {
        return Duration.ofMillis(
                context.getConfigurationParameter(PATIENCE).map(Integer::valueOf).orElse(USUAL_PATIENCE));
    }

    private static ExtensionContext.Store store(ExtensionContext context) {
        return context.getStore(ExtensionContext.Namespace.create(LeakExtension.class, context.getUniqueId()));
    }
}
