package org.imsg.bench.soak;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.imsg.unix.Fd;

/** A fault that the daemon can be given, to see that the soak finds it. */
enum PlantedLeak {
    NONE, DESCRIPTOR, THREAD, MESSAGES;

    /** The system property that names one. */
    static final String PROPERTY = "soak.leak";

    private static final int SELDOM = 64;

    private final List<byte[]> kept = new ArrayList<>();
    private final AtomicInteger messages = new AtomicInteger();

    static PlantedLeak configured() {
        return valueOf(System.getProperty(PROPERTY, "none").toUpperCase(Locale.ROOT));
    }

    /** Called with each message that is served. */
    void of(byte[] payload) throws IOException {
        boolean now = messages.incrementAndGet() % SELDOM == 0;
        switch (this) {
            case NONE -> {
            }
            case DESCRIPTOR -> {
                if (now)
                    Fd.open(Path.of("/dev/null")).release();
            }
            case THREAD -> {
                if (now)
                    Thread.ofPlatform().daemon().start(LockSupport::park);
            }
            case MESSAGES -> {
                synchronized (kept) {
                    kept.add(payload);
                }
            }
        }
    }
}
