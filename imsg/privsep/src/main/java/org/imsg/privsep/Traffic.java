package org.imsg.privsep;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import org.imsg.Imsg;
import org.imsg.ImsgChannel;

/** The messages and bytes that a connection has carried. Thread-safe. */
final class Traffic {
    private final AtomicLong messagesIn = new AtomicLong();
    private final AtomicLong messagesOut = new AtomicLong();
    private final AtomicLong bytesIn = new AtomicLong();
    private final AtomicLong bytesOut = new AtomicLong();

    void sent(Imsg message) {
        messagesOut.incrementAndGet();
        bytesOut.addAndGet(ImsgChannel.HEADER_SIZE + message.length());
    }

    void received(Imsg message) {
        messagesIn.incrementAndGet();
        bytesIn.addAndGet(ImsgChannel.HEADER_SIZE + message.length());
    }

    Map<String, String> figures() {
        Map<String, String> figures = new LinkedHashMap<>();
        figures.put("messages-in", messagesIn.toString());
        figures.put("messages-out", messagesOut.toString());
        figures.put("bytes-in", bytesIn.toString());
        figures.put("bytes-out", bytesOut.toString());
        return figures;
    }
}
