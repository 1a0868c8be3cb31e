package org.imsg.testing;

import java.util.List;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.junit.platform.launcher.LauncherSession;
import org.junit.platform.launcher.LauncherSessionListener;

/** Keeps out of the log what JUnit says of tests that do right, so that a warning of ours is seen. */
public final class QuietJUnit implements LauncherSessionListener {
    /** Warns of links out of a temporary directory, which it removes without following them: tests of links make such. */
    private static final List<Logger> LOGGERS = List.of(
            Logger.getLogger("org.junit.jupiter.engine.extension.TempDirectory"),
            Logger.getLogger("org.junit.jupiter.engine.extension.TempDirectory$CloseablePath"));

    /** For JUnit. */
    public QuietJUnit() {}

    @Override
    public void launcherSessionOpened(LauncherSession session) {
        LOGGERS.forEach(logger -> logger.setLevel(Level.SEVERE));
    }
}
