package org.imsg.interop.torture;

import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/** The failures that a scenario saw, on whichever thread. */
final class Told {
    private final List<Throwable> failures = new CopyOnWriteArrayList<>();

    void add(Throwable failure) {
        failures.add(failure);
    }

    List<Throwable> failures() {
        return failures;
    }
}
