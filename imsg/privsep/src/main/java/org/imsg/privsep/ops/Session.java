package org.imsg.privsep.ops;

import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.HashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import org.imsg.DescriptorState;
import org.imsg.Imsg;
import org.imsg.ImsgChannel;
import org.imsg.ImsgTooLargeException;
import org.imsg.unix.Child;
import org.imsg.unix.Errno;
import org.imsg.unix.ErrnoException;

/** One child and its channel: takes the requests in, has each worked on by a virtual thread, and sends the answers. */
final class Session {
    private static final Logger LOG = System.getLogger(Monitor.class.getName());

    private final ImsgChannel channel;
    private final String child;
    private final Monitor monitor;
    private final Limits limits;
    private final Workers workers;
    private final Rate rate;
    private final AtomicInteger unanswered = new AtomicInteger();
    private final Map<Integer, RunRequest> programs = new ConcurrentHashMap<>();
    private final Set<Thread> threads = new HashSet<>();
    private int malformed;
    private boolean ended;

    Session(Monitor monitor, ImsgChannel channel, String child, Limits limits) {
        this.monitor = monitor;
        this.channel = channel;
        this.child = child;
        this.limits = limits;
        this.workers = new Workers(child, limits.threads());
        this.rate = new Rate(limits.perSecond(), limits.burst(), monitor.time());
    }

    /** Until the child's end of the channel is closed, or the child is dropped. */
    void run() throws IOException {
        try (channel) {
            channel.allowFdPassing();
            boolean goesOn = true;
            while (goesOn) {
                try (Imsg message = channel.receive()) {
                    goesOn = message != null && take(message);
                }
            }
        } finally {
            end();
            workers.close();
        }
    }

    private boolean take(Imsg message) {
        int peerid = message.id();
        long early = rate.early();
        if (unanswered.incrementAndGet() > limits.unanswered())
            return drop("it has more than " + limits.unanswered() + " requests without an answer");
        try {
            if (message.descriptor() != DescriptorState.NONE)
                throw new MalformedRequestException("a request carries no descriptor");
            Request.Timed timed = Request.read(message);
            if (timed.request() instanceof Request.Run && programs.putIfAbsent(peerid, new RunRequest()) != null)
                throw new MalformedRequestException("peerid " + Integer.toUnsignedString(peerid)
                        + " is that of a program that runs");
            start(() -> serve(peerid, timed, early));
            return true;
        } catch (MalformedRequestException e) {
            log(Level.WARNING, "sent a message that is no request: " + e.getMessage());
            if (++malformed > limits.malformed())
                return drop("it sent " + malformed + " messages that are no requests");
            start(() -> {
                answered(early);
                send(peerid, Answer.malformed(e.getMessage()));
            });
            return true;
        }
    }

    private boolean drop(String why) {
        log(Level.ERROR, "is dropped: " + why);
        return false;
    }

    private interface Serving {
        void run() throws IOException, InterruptedException;
    }

    private void start(Serving serving) {
        synchronized (threads) {
            if (ended)
                return;
            threads.add(Thread.ofVirtual().name("imsg-monitor-" + child).start(() -> {
                try {
                    serving.run();
                } catch (InterruptedException _) {
                    // the child is gone
                } catch (IOException e) {
                    if (channel.isOpen())
                        log(Level.WARNING, "does not take an answer: " + e.getMessage());
                    closeChannel();
                } finally {
                    synchronized (threads) {
                        threads.remove(Thread.currentThread());
                        threads.notifyAll();
                    }
                }
            }));
        }
    }

    /** Waits until a request that came too early is in time. */
    private void await(long early) throws InterruptedException {
        if (early > 0)
            monitor.time().sleep(early);
    }

    private void answered(long early) throws InterruptedException {
        await(early);
        unanswered.decrementAndGet();
    }

    private void serve(int peerid, Request.Timed timed, long early) throws IOException, InterruptedException {
        switch (timed.request()) {
            case Request.Run run -> run(peerid, timed.deadline(), run, early);
            case Request.Kill kill -> {
                answered(early);
                RunRequest asked = programs.get(peerid);
                if (asked != null)
                    asked.kill(kill.signal());
            }
            default -> {
                await(early);
                Answer answer = answer(timed);
                unanswered.decrementAndGet();
                send(peerid, answer);
            }
        }
    }

    private Answer answer(Request.Timed timed) throws InterruptedException {
        Duration given = timed.deadline().isZero() || timed.deadline().compareTo(limits.deadline()) > 0
                ? limits.deadline()
                : timed.deadline();
        long deadline = System.nanoTime() + given.toNanos();
        try {
            return workers.perform(changes(timed.request()),
                    () -> monitor.operations().perform(monitor.policy(), timed.request(), deadline,
                            () -> isOver(deadline)),
                    given.toNanos());
        } catch (TimeoutException _) {
            return expired(timed.request(), given);
        } catch (IOException | RuntimeException e) {
            // Who works looks at the same deadline, and may find it over before who waits does.
            if (e instanceof ErrnoException failure && failure.number() == Errno.number("ETIMEDOUT")
                    && System.nanoTime() - deadline >= 0)
                return expired(timed.request(), given);
            return failed(e);
        }
    }

    private Answer expired(Request request, Duration given) {
        log(Level.WARNING, "asked to " + request + ", which was not done within " + given.toMillis() + " ms");
        return Answer.expired();
    }

    private Answer failed(Exception e) {
        if (e instanceof RefusedException)
            log(Level.WARNING, "is refused: " + e.getMessage());
        else if (e instanceof RuntimeException)
            LOG.log(Level.ERROR, "a request of " + child + " failed", Told.oneLine((RuntimeException) e));
        else
            log(Level.DEBUG, "was told: " + e.getMessage());
        return Answer.of(e);
    }

    private void run(int peerid, Duration deadline, Request.Run request, long early)
            throws IOException, InterruptedException {
        Answer last;
        try {
            await(early);
            last = run(peerid, deadline, request);
        } finally {
            programs.remove(peerid);
        }
        send(peerid, last);
    }

    /** Runs a program to its end; returns what the child is to be told last. */
    private Answer run(int peerid, Duration deadline, Request.Run request) throws IOException, InterruptedException {
        Programs.Running program;
        Optional<Duration> limit;
        try {
            Rule.RunRule rule = (Rule.RunRule) monitor.policy().allowing(request);
            limit = shorter(rule.time(), deadline);
            program = start(rule, request);
        } catch (TimeoutException _) {
            return Answer.expired();
        } catch (IOException | RuntimeException e) {
            return failed(e);
        } finally {
            unanswered.decrementAndGet();
        }
        return await(peerid, program, limit);
    }

    private Programs.Running start(Rule.RunRule rule, Request.Run request)
            throws IOException, InterruptedException, TimeoutException {
        if (programs.size() > limits.programs())
            throw new ErrnoException("run", "more than " + limits.programs() + " programs at once",
                    Errno.number("EAGAIN"));
        long deadline = System.nanoTime() + limits.deadline().toNanos();
        return workers.perform(true, () -> monitor.programs().start(rule, request, () -> isOver(deadline)),
                limits.deadline().toNanos());
    }

    private static boolean changes(Request request) {
        return !(request instanceof Request.Find) && !(request instanceof Request.Connect);
    }

    /** Nobody waits any more for what was asked until then. */
    private boolean isOver(long deadline) {
        return workers.isClosing() || System.nanoTime() - deadline > 0;
    }

    /** Tells the child of the program, waits for its end, and cleans up behind it. */
    private Answer await(int peerid, Programs.Running program, Optional<Duration> limit)
            throws IOException, InterruptedException {
        Child.ExitStatus status;
        try (program) {
            log(Level.INFO, "runs a program as uid " + Integer.toUnsignedString(program.uid()) + ", pid "
                    + program.pid());
            programs.get(peerid).started(program);
            send(peerid, Answer.started(program.pid(), program.uid()));
            send(peerid, Answer.stream(0, program.stdin.second()));
            send(peerid, Answer.stream(1, program.stdout.first()));
            send(peerid, Answer.stream(2, program.stderr.first()));
            status = program.await(limit);
        }
        return Answer.exited(status.code(), status.signal());
    }

    private static Optional<Duration> shorter(Optional<Duration> rule, Duration asked) {
        if (asked.isZero())
            return rule;
        return rule.filter(time -> time.compareTo(asked) < 0).or(() -> Optional.of(asked));
    }

    private void send(int peerid, Answer answer) throws IOException {
        try (answer; Imsg message = answer.toImsg(peerid)) {
            channel.send(message, limits.unread());
        } catch (ImsgTooLargeException e) {
            send(peerid, Answer.of(new ErrnoException("send", e.getMessage(), Errno.number("EMSGSIZE"))));
        }
    }

    private void closeChannel() {
        try {
            channel.close();
        } catch (IOException e) {
            log(Level.DEBUG, "left a channel that does not close: " + e.getMessage());
        }
    }

    /** Ends the child's programs, and returns when nothing of it is left. */
    private void end() {
        boolean interrupted = false;
        synchronized (threads) {
            ended = true;
            threads.forEach(Thread::interrupt);
            while (!threads.isEmpty()) {
                try {
                    threads.wait();
                } catch (InterruptedException _) {
                    interrupted = true;
                }
            }
        }
        if (interrupted)
            Thread.currentThread().interrupt();
    }

    /** What the child has sent is in the text: it must not begin a line of its own. */
    private void log(Level level, String text) {
        if (LOG.isLoggable(level))
            LOG.log(level, child + " " + Told.oneLine(text));
    }
}
