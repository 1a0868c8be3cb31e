package org.imsg.harness.cli;

import java.io.PrintWriter;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.imsg.harness.record.Event;

/** How far a long work is: one line that is written over and over, at the bottom of a terminal. Not safe for several threads. */
final class Progress implements AutoCloseable {
    private static final int PATIENCE_SECONDS = 3;
    private static final String ERASE = "\r\u001B[K";

    private final PrintWriter err;
    private final boolean shown;
    private final long interval;
    private final CountDownLatch closed = new CountDownLatch(1);
    private boolean there;
    private long last;

    /** The highest number: they are counted from 1 on, and a program that runs for long remembers none of them. */
    private int connections;
    private long events;
    private long messages;
    private long descriptors;
    private long bytes;

    /**
     * A progress of which nothing is shown yet.
     *
     * @param err where to
     * @param shown whether to show it at all
     * @param interval nanoseconds between two lines at least
     */
    Progress(PrintWriter err, boolean shown, long interval) {
        this.err = err;
        this.shown = shown;
        this.interval = interval;
        this.last = System.nanoTime() - interval;
    }

    void show(String text) {
        if (!shown || System.nanoTime() - last < interval)
            return;
        last = System.nanoTime();
        err.print(ERASE + text);
        err.flush();
        there = true;
    }

    /** Before anything else is written to the terminal. */
    void erase() {
        if (!there)
            return;
        err.print(ERASE);
        err.flush();
        there = false;
    }

    /** Leaves the last line where it is. */
    void end() {
        if (there)
            err.println();
        there = false;
    }

    /**
     * When the process is interrupted, stops the work, waits until this is closed, and ends the line. A thread whose output is not
     * read keeps the process three seconds longer at most.
     */
    void endWith(Runnable stop) {
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
            Thread.ofPlatform().daemon().start(stop);
            try {
                if (closed.await(PATIENCE_SECONDS, TimeUnit.SECONDS))
                    end();
            } catch (InterruptedException _) {
                // then at once
            }
        }));
    }

    /** The work is done, and its files are closed. */
    @Override
    public void close() {
        closed.countDown();
    }

    void count(Event event) {
        connections = Math.max(connections, event.connection());
        events++;
        if (event.isMessage())
            messages++;
        descriptors += event.descriptors().size();
        bytes += event.bytes().length;
    }

    /** How many events were counted. */
    long events() {
        return events;
    }

    /** The count, in words. */
    String counted() {
        return number(connections, "connection") + ", " + number(messages, "message") + ", "
                + number(descriptors, "descriptor") + ", " + number(bytes, "byte");
    }

    private static String number(long count, String what) {
        return count + " " + what + (count == 1 ? "" : "s");
    }
}
