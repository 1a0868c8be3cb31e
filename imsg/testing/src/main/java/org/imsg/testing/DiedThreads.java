package org.imsg.testing;

import java.util.ArrayList;
import java.util.List;

import org.junit.jupiter.api.extension.AfterAllCallback;
import org.junit.jupiter.api.extension.AfterEachCallback;
import org.junit.jupiter.api.extension.ExtensionContext;

/**
 * Fails a test in which a thread, platform or virtual, has ended by an exception that was not caught. Without this, an
 * attack that had ended early, or a check that failed in another thread than the test's, would only be printed. JUnit
 * registers it for every test by itself. What a thread dies of after its test has ended fails the next test, or the
 * class.
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
