package org.imsg.testing;

import java.io.PrintStream;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

import org.junit.platform.engine.TestExecutionResult;
import org.junit.platform.engine.TestSource;
import org.junit.platform.engine.support.descriptor.ClassSource;
import org.junit.platform.engine.support.descriptor.MethodSource;
import org.junit.platform.launcher.LauncherSession;
import org.junit.platform.launcher.LauncherSessionListener;
import org.junit.platform.launcher.TestExecutionListener;
import org.junit.platform.launcher.TestIdentifier;

/**
 * Prints, when the last test of a run has ended, which tests were skipped and each one's reason; nothing when none was.
 * JUnit registers it by itself. A surefire run may consist of several test plans, so the list is kept for the process
 * and printed when the launcher's session closes.
 */
public final class SkipReport implements TestExecutionListener, LauncherSessionListener {
    private static final List<String> SKIPPED = new CopyOnWriteArrayList<>();

    /** For JUnit. */
    public SkipReport() {}

    @Override
    public void executionSkipped(TestIdentifier test, String reason) {
        SKIPPED.add(name(test) + " - " + oneLine(reason));
    }

    @Override
    public void executionFinished(TestIdentifier test, TestExecutionResult result) {
        if (result.getStatus() == TestExecutionResult.Status.ABORTED) {
            SKIPPED.add(name(test) + " - " + oneLine(result.getThrowable().map(Throwable::getMessage).orElse(null)));
        }
    }

    @Override
    public void launcherSessionClosed(LauncherSession session) {
        print(System.out);
    }

    static void print(PrintStream out) {
        if (!SKIPPED.isEmpty()) {
            out.println("skipped (" + SKIPPED.size() + "):");
            SKIPPED.forEach(line -> out.println("  " + line));
        }
        SKIPPED.clear();
    }

    private static String oneLine(String reason) {
        if (reason == null || reason.isBlank()) {
            return "no reason given";
        }
        return reason.strip().replaceFirst("^Assumption failed: ", "").replaceAll("\\s*\\R\\s*", " ");
    }

    private static String name(TestIdentifier test) {
        TestSource source = test.getSource().orElse(null);
        return switch (source) {
            case MethodSource method -> {
                String name = simpleName(method.getClassName()) + "." + method.getMethodName();
                String shown = test.getDisplayName();
                yield shown.startsWith(method.getMethodName() + "(") ? name : name + " " + shown;
            }
            case ClassSource type -> simpleName(type.getClassName());
            case null, default -> test.getDisplayName();
        };
    }

    private static String simpleName(String className) {
        return className.substring(className.lastIndexOf('.') + 1).replace('$', '.');
    }
}
