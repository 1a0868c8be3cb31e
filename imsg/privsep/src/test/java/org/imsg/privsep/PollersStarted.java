package org.imsg.privsep;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.SocketTimeoutException;
import java.time.Duration;
import org.imsg.ImsgChannel;

/** Starts the shared pollers, which keep a descriptor each from then on, before the leak check counts for the first time. */
final class PollersStarted implements Runnable {
    @Override
    public void run() {
        try {
            Thread.ofVirtual().start(this::waitInBothDirections).join();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    private void waitInBothDirections() {
        try (ImsgChannel.Pair pair = ImsgChannel.pair()) {
            Duration moment = Duration.ofMillis(1);
            try {
                pair.first().receive(moment);
            } catch (SocketTimeoutException _) {
                // as it should be: the other end is silent
            }
            try {
                for (int i = 0; i < 1000; i++)
                    pair.first().compose(1, 0, 0, null, new byte[ImsgChannel.MAX_IMSGSIZE - ImsgChannel.HEADER_SIZE]);
                pair.first().flush(moment);
            } catch (SocketTimeoutException _) {
                // as it should be: the other end reads nothing
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
