package org.imsg.harness.record;

import java.io.IOException;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/** Events that are read one after the other. */
interface EventSource {
    /** When the recording began; known after the first {@link #next()}. */
    Instant start();

    /** The next event; null at the end. Throws when what follows is damaged: all that is whole before it was returned. */
    @Nullable
    Event next() throws IOException;
}
