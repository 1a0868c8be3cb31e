package org.imsg.examples.killed;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.concurrent.FutureTask;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.imsg.testing.TestedProgram;

/** Asks an example for something again and again, in a thread of its own, through all its lives. */
final class Client {
    private static final Duration PATIENCE = Duration.ofSeconds(100);
    /** What it lets pass before it asks again. */
    private static final long PAUSE_NANOS = TimeUnit.MILLISECONDS.toNanos(20);

    private final Victim victim;
    private final LinkedBlockingQueue<Boolean> events = new LinkedBlockingQueue<>();
    /** Grows whenever an answer is waited for. */
    private final AtomicInteger waits = new AtomicInteger();
    private final AtomicInteger answers = new AtomicInteger();
    private volatile boolean over;
    private FutureTask<Void> task;

    Client(Victim victim) {
        this.victim = victim;
    }

    /** Begins to ask the program that the victim has started. */
    void begin() {
        TestedProgram program = victim.program;
        over = false;
        events.clear();
        task = new FutureTask<>(() -> {
            while (!over) {
                int before = waits.get();
                boolean answered = victim.isAnswered(answers.get());
                if (answered)
                    answers.incrementAndGet();
                boolean counts = answered && before == waits.get();
                if (counts || !program.process().isAlive())
                    events.add(counts);
                LockSupport.parkNanos(PAUSE_NANOS);
            }
            return null;
        });
        Thread.ofPlatform().daemon().name("client").start(task);
    }

    /** Waits for an answer to what is asked from now on; false if the program has ended. */
    boolean isAnswered() throws InterruptedException {
        waits.incrementAndGet();
        events.clear();
        Boolean answered = events.poll(PATIENCE.toSeconds(), TimeUnit.SECONDS);
        assertThat(answered).as("it neither answers nor ends").isNotNull();
        return answered;
    }

    void end() throws Exception {
        over = true;
        task.get(PATIENCE.toSeconds(), TimeUnit.SECONDS);
    }

    /** How many answers there were. */
    int answers() {
        return answers.get();
    }
}
