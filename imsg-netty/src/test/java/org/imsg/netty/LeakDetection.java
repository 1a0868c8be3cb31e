package org.imsg.netty;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.PooledByteBufAllocator;
import io.netty.buffer.Unpooled;
import io.netty.util.ResourceLeakDetector;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import org.imsg.unix.Fd;
import org.junit.jupiter.api.extension.AfterAllCallback;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.ExtensionContext;

/**
 * Fails a class whose tests leaked a buffer or a descriptor, as Netty's leak detector sees it. The detector speaks when the
 * collector has found what was leaked and something new of the same kind is tracked; so one of each kind is leaked here on
 * purpose, and when those have been reported, all that was leaked before has been. Other modules' tests use it too.
 */
@SuppressWarnings("exports") // JUnit is no part of the module that this is patched into
public final class LeakDetection implements BeforeAllCallback, AfterAllCallback {
    private static final String ON_PURPOSE = "leaked on purpose";
    private static final Logger LOGGER = Logger.getLogger(ResourceLeakDetector.class.getName());
    private static final List<String> REPORTS = new CopyOnWriteArrayList<>();
    private static final Handler RECORDER = new Handler() {
        @Override
        public void publish(LogRecord entry) {
            if (entry.getLevel().intValue() >= Level.WARNING.intValue() && entry.getMessage() != null)
                REPORTS.add(new java.util.logging.SimpleFormatter().formatMessage(entry));
        }

        @Override
        public void flush() {
            // nothing is held back
        }

        @Override
        public void close() {
            // nothing is open
        }
    };

    static final Duration DEADLINE = Duration.ofSeconds(120);

    private static int leaked;

    /** For JUnit, which makes one for each class. */
    public LeakDetection() {}

    @Override
    public void beforeAll(ExtensionContext context) {
        if (LOGGER.getHandlers().length == 0)
            LOGGER.addHandler(RECORDER);
        LOGGER.setUseParentHandlers(false);
        REPORTS.clear();
    }

    @Override
    public void afterAll(ExtensionContext context) throws Exception {
        assertThat(reports(DEADLINE)).as("reports of the leak detector").isEmpty();
    }

    /** Everything leaked so far, without what is leaked on purpose; an AssertionError if the detector cannot say. */
    static List<String> reports(Duration longest) throws IOException {
        if (ResourceLeakDetector.getLevel() != ResourceLeakDetector.Level.PARANOID)
            throw new AssertionError("Netty's leak detector is at level " + ResourceLeakDetector.getLevel()
                    + ": start the tests with -Dio.netty.leakDetection.level=paranoid");
        // The detector does not say the same twice.
        String hint = ON_PURPOSE + " for the " + ++leaked + ". time";
        leak(hint);
        long deadline = System.nanoTime() + longest.toNanos();
        while (seen(hint + ": ByteBuf") == 0 || seen(hint + ": FdBuf") == 0 || seen(hint + ": ImsgMessage") == 0) {
            if (System.nanoTime() > deadline)
                throw new AssertionError("Netty's leak detector has not reported what was leaked on purpose within "
                        + longest.toSeconds() + " s; Netty must log through java.util.logging, whose level for "
                        + LOGGER.getName()
                        + " lets errors pass, and -Dio.netty.leakDetection.targetRecords be 4 or more");
            System.gc();
            poke();
            Thread.onSpinWait();
        }
        List<String> found = REPORTS.stream().filter(report -> !report.contains(ON_PURPOSE)).toList();
        REPORTS.clear();
        return found;
    }

    private static long seen(String hint) {
        return REPORTS.stream().filter(report -> report.contains(hint)).count();
    }

    private static void leak(String hint) throws IOException {
        PooledByteBufAllocator.DEFAULT.directBuffer(16).touch(hint + ": ByteBuf");
        try (Fd.Pair pipe = Fd.pipe()) {
            FdBuf forgotten = new FdBuf(Unpooled.EMPTY_BUFFER, pipe.first());
            forgotten.touch(hint + ": FdBuf");
            forgotten.takeFd().close();
            ImsgMessage alsoForgotten = new ImsgMessage(0, 0, 0, Unpooled.EMPTY_BUFFER, pipe.second());
            alsoForgotten.touch(hint + ": ImsgMessage");
            alsoForgotten.takeFd().close();
        }
    }

    private static void poke() throws IOException {
        ByteBuf bytes = PooledByteBufAllocator.DEFAULT.directBuffer(16);
        bytes.release();
        try (Fd.Pair pipe = Fd.pipe()) {
            new FdBuf(Unpooled.EMPTY_BUFFER, pipe.first()).release();
            new ImsgMessage(0, 0, 0, Unpooled.EMPTY_BUFFER, pipe.second()).release();
        }
    }
}
