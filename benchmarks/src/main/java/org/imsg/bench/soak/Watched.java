package org.imsg.bench.soak;

import java.io.IOException;
import java.util.List;
import java.util.OptionalLong;

/** A part of the soak that is looked at in silence. */
interface Watched extends AutoCloseable {
    String name();

    /** Its process, or all of them. */
    List<Long> pids();

    /** Bytes of heap in use after a full collection; empty for a program without one. */
    OptionalLong heap() throws IOException;

    default Counts counts() throws IOException {
        return Counts.of(pids());
    }

    default long residentKib() throws IOException {
        long sum = 0;
        for (long pid : pids())
            sum += Counts.status(pid, "VmRSS:");
        return sum;
    }

    /** Ends it. */
    @Override
    void close() throws IOException;
}
