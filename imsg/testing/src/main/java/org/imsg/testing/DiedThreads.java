package org.imsg.testing;

import java.util.ArrayList;
import java.util.List;

import org.junit.jupiter.api.extension.AfterAllCallback;
import org.junit.jupiter.api.extension.AfterEachCallback;
import org.junit.jupiter.api.extension.ExtensionContext;

/**
 * Fails a test in which a thread, platform or virtual, ended by an exception that nobody caught: else an attacker that
 * died, or a check that failed beside the test's own thread, would be a line in its output. JUnit registers it for
 * every test by itself. What a thread dies of after its test has ended fails the next test of the run, or its class.
 */
public final class DiedThreads implements AfterEachCallback, AfterAllCallback {
    private static final List<AssertionError> DIED = new ArrayList<>();

    /** For JUnit, which makes one for each test run. */
    public DiedThreads() {
        Thread.setDefaultUncaughtExceptionHandler(DiedThreads::remember);
    }

    @Override
    public void afterEach(ExtensionContext context) {
        check();
    }

    @Override
    public void afterAll(ExtensionContext context) {
        check();
    }

    private static void remember(Thread thread, Throwable thrown) {
        synchronized (DIED) {
            DIED.add(new AssertionError("thread " + thread.getName() + " died of " + thrown, thrown));
        }
    }

    private static void check() {
        synchronized (DIED) {
            if (!DIED.isEmpty()) {
                AssertionError first = DIED.removeFirst();
                DIED.forEach(first::addSuppressed);
                DIED.clear();
                throw first;
            }
        }
    }
}
