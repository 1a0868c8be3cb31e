package org.imsg.bench;

import java.util.ArrayList;
import java.util.List;

/**
 * What is sent, the same for all contenders of a group.
 *
 * @param size payload bytes of a message
 * @param every each how manyth message carries a descriptor; 0: none does
 * @param batch messages gathered before a write, unless 64 KiB are reached first
 * @param connections how many, each with one message there and back at a time; 0: one, with messages one way
 */
public record Load(int size, int every, int batch, int connections) {
    /** Bytes after which a batch is written, however few messages it has. */
    public static final int BATCH_BYTES = 65536;

    Load(int size, int every, int batch) {
        this(size, every, batch, 0);
    }

    /**
     * As every worker understands it.
     *
     * @return options
     */
    public List<String> options() {
        List<String> options = new ArrayList<>(
                List.of("-z", "" + size, "-d", "" + every, "-b", "" + batch, "-B", "" + BATCH_BYTES));
        if (connections > 0)
            options.addAll(List.of("-c", "" + connections));
        return options;
    }

    /**
     * What a receiver of messages 0 to {@code count - 1} must have seen.
     *
     * @param count how many messages
     * @return descriptors
     */
    public long descriptors(long count) {
        return every == 0 ? 0 : (count + every - 1) / every;
    }

    @Override
    public String toString() {
        if (connections > 0)
            return size + " B payload, there and back on " + connections + " connections, one a connection at a time";
        return size + " B payload, batches of " + batch + " messages or " + BATCH_BYTES + " B"
                + (every == 0 ? "" : ", a descriptor with every " + (every == 1 ? "message" : every + "th"));
    }
}
