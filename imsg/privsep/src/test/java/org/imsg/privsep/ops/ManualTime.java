package org.imsg.privsep.ops;

/** Time that stands until it is advanced. */
final class ManualTime implements TimeSource {
    private long now = Long.MAX_VALUE - 5;
    private int sleepers;

    @Override
    public synchronized long nanoTime() {
        return now;
    }

    @Override
    public synchronized void sleep(long nanos) throws InterruptedException {
        long until = now + nanos;
        sleepers++;
        notifyAll();
        try {
            while (until - now > 0)
                wait();
        } finally {
            sleepers--;
        }
    }

    synchronized void advance(long nanos) {
        now += nanos;
        notifyAll();
    }

    /** Returns once that many threads sleep. */
    synchronized void awaitSleepers(int count) throws InterruptedException {
        while (sleepers < count)
            wait();
    }
}
