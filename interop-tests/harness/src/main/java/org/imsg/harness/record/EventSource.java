package org.imsg.harness.record;

import java.io.IOException;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/** Events that are read one after the other. */
interface EventSource {
    /** What the words of an event have room for in bytes: names of descriptors, a note. */
    int MOST_WORDS_BYTES = 1 << 23;

    /** When the recording began; known after the first {@link #next()}. */
    Instant start();

    /** The next event; null at the end. Throws when what follows is damaged: all that is whole before it was returned. */
    @Nullable
    Event next() throws IOException;
}
