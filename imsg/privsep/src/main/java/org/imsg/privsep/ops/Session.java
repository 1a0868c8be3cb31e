package org.imsg.privsep.ops;

import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.net.SocketTimeoutException;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.Iterator;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.Lock;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import java.util.function.IntConsumer;
import java.util.function.Supplier;
import org.imsg.DescriptorState;
import org.imsg.Imsg;
import org.imsg.ImsgChannel;
import org.imsg.ImsgTooLargeException;
import org.imsg.WireFormat;
import org.imsg.privsep.ops.Operation.Effect;
import org.imsg.sys.Recorder;
import org.imsg.unix.Errno;
import org.imsg.unix.ErrnoException;
import org.imsg.unix.Fd;
import org.imsg.unix.Sockets;
import org.jspecify.annotations.Nullable;

/**
 * One child and its channel. The thread that serves it takes the requests in, one whenever there is room for its answer, and
 * tells the child of those that are not done in time. Workers do them and send the answers. An operation that goes on has a
 * thread that was made before it began.
 */
final class Session {
    private static final Logger LOG = System.getLogger("org.imsg.privsep.ops.Monitor");
    private static final int MOST_AUTHENTICATED = 16;
    /** How long a full session waits before it looks whether its channel was closed meanwhile. */
    private static final Duration GLANCE = Duration.ofMillis(500);

    private final ImsgChannel channel;
    private final String child;
    private final Host host;
    private final Supplier<Policy> policy;
    private final Limits limits;
    private final TimeSource time;
    private final Workers workers;
    private final Rate rate;
    private final LongAdder refusals;
    /** Counts how requests ended, of all children. */
    private final Map<Outcome, LongAdder> ended;
    private final Rate lines;
    private final Set<Task> unanswered = new LinkedHashSet<>();
    private final Map<Integer, Task> goingOn = new HashMap<>();
    private final HandedOver handedOver = new HandedOver();
    /** The users whose passwords the child has shown, the last ones. */
    private final Deque<String> authenticated = new ArrayDeque<>();
    /** Is told of each of them. */
    private final Consumer<String> told;
    /** How many secrets the child has shown, right or wrong. */
    private final AtomicInteger tries = new AtomicInteger();
    private final Lock starting = new ReentrantLock(true);
    private int unwritten;
    private int malformed;
    /** Why the child is dropped, if a thread that answers has found the reason. */
    private volatile @Nullable String dropped;

    Session(ImsgChannel channel, String child, Host host, Supplier<Policy> policy, Limits limits, TimeSource time,
            LongAdder refusals, Consumer<String> told, Map<Outcome, LongAdder> ended) {
        this.refusals = refusals;
        this.told = told;
        this.ended = ended;
        this.channel = channel;
        this.child = child;
        this.host = host;
        this.policy = policy;
        this.limits = limits;
        this.time = time;
        this.workers = new Workers(host, child, limits.threads());
        this.rate = new Rate(limits.perSecond(), limits.burst(), time);
        this.lines = new Rate(limits.lines(), limits.lines(), time);
    }

    /** Serves the child until its end of the channel is closed. */
    void run() throws IOException {
        try (channel) {
            channel.format(WireFormat.MODERN).allowFdPassing();
            while (takesNext()) {
                // one by one
            }
        } catch (IOException e) {
            if (dropped == null)
                throw e;
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        } catch (RuntimeException | Error e) {
            abandon(e);
        } finally {
            end();
        }
        if (dropped != null)
            throw new ChildDroppedException(dropped);
    }

    private boolean takesNext() throws IOException, InterruptedException {
        long left = expire();
        if (!awaitRoom(left))
            return channel.isOpen();
        try (Imsg message = left == Long.MAX_VALUE ? channel.receive() : channel.receive(Duration.ofNanos(left))) {
            if (message == null)
                return false;
            long early = rate.early();
            if (early > 0)
                time.sleep(early);
            try {
                return take(message);
            } finally {
                Sockets.closeAtOnce(message.takeFd());
            }
        } catch (SocketTimeoutException _) {
            return true;
        }
    }

    /** Waits until one more request may be there; returns whether that is so. */
    private synchronized boolean awaitRoom(long nanos) throws InterruptedException {
        if (!hasRoom())
            TimeUnit.NANOSECONDS.timedWait(this, Math.min(nanos, GLANCE.toNanos()));
        return hasRoom();
    }

    private boolean hasRoom() {
        return unanswered.size() < limits.unanswered() && handedOver.hasRoom();
    }

    /** Answers the requests whose time is over; returns the nanoseconds until the next is. */
    private long expire() throws IOException {
        for (;;) {
            Task over = null;
            long next = Long.MAX_VALUE;
            synchronized (this) {
                for (Iterator<Task> each = unanswered.iterator(); over == null && each.hasNext();) {
                    Task task = each.next();
                    long left = task.deadline - System.nanoTime();
                    if (task.settled)
                        continue;
                    if (left > 0)
                        next = Math.min(next, left);
                    else
                        over = task;
                }
            }
            if (over == null)
                return next;
            workers.forget(over);
            if (over.settle())
                over.answer(over.expired());
        }
    }

    private boolean take(Imsg message) throws IOException {
        int peerid = message.id();
        try {
            if (message.type() == OperationProtocol.HANDED) {
                keep(message);
                return true;
            }
            if (message.descriptor() != DescriptorState.NONE)
                throw new MalformedRequestException("a request carries no descriptor");
            if (message.type() == OperationProtocol.SIGNAL)
                signal(peerid, Signal.read(message).signal());
            else
                start(new Task(peerid, Operations.read(message)));
            return true;
        } catch (MalformedRequestException e) {
            log(Level.WARNING, "sent a message that is no request: " + e.getMessage());
            if (++malformed > limits.malformed())
                return drop("it sent " + malformed + " messages that are no requests");
            send(peerid, Answer.malformed(e.getMessage()));
            return true;
        }
    }

    /** A descriptor that did not arrive, as this process had no room for it, is missed when its request comes. */
    private void keep(Imsg message) throws MalformedRequestException {
        int number = Handed.read(message).descriptor();
        if (message.descriptor() == DescriptorState.NONE)
            throw new MalformedRequestException("there is no descriptor with the number " + number);
        Fd fd = message.takeFd();
        if (fd == null)
            return;
        if (handedOver.keep(message.id(), number, fd))
            return;
        Sockets.closeAtOnce(fd);
        throw new MalformedRequestException("a descriptor " + number + " is handed over already, or " + Handed.MOST
                + " wait for their requests");
    }

    private void signal(int peerid, int number) {
        Task task;
        synchronized (this) {
            task = goingOn.get(peerid);
        }
        if (task != null)
            task.signal(number);
    }

    private void start(Task task) throws IOException, MalformedRequestException {
        if (!task.asked.operation().goesOn()) {
            synchronized (this) {
                unanswered.add(task);
            }
            workers.execute(task);
            return;
        }
        synchronized (this) {
            if (goingOn.containsKey(task.peerid)) {
                task.closeHanded();
                throw new MalformedRequestException("peerid " + Integer.toUnsignedString(task.peerid)
                        + " is that of a program that runs");
            }
        }
        try {
            policy.get().allowing(task.asked.request());
            startThread(task);
        } catch (IOException e) {
            task.answer(failed(e));
        }
    }

    private void startThread(Task task) throws ErrnoException {
        synchronized (this) {
            if (goingOn.size() >= limits.programs())
                throw new ErrnoException("run", "more than " + limits.programs() + " programs at once",
                        Errno.number("EAGAIN"));
            goingOn.put(task.peerid, task);
        }
        try {
            host.startThread("run-" + child, task);
        } catch (OutOfMemoryError _) {
            leave(task);
            throw new ErrnoException("run", "a thread to watch over the program", Errno.number("EAGAIN"));
        }
    }

    private void leave(Task task) {
        task.closeHanded();
        synchronized (this) {
            goingOn.remove(task.peerid, task);
            unanswered.remove(task);
            notifyAll();
        }
    }

    private boolean drop(String why) {
        dropped = why;
        LOG.log(Level.ERROR, child + " is dropped: " + why);
        return false;
    }

    /** A request that was taken, until its last answer is in the socket. */
    private final class Task implements Runnable, Permit.Asker {
        private final int peerid;
        private final Operations.Asked asked;
        private final Map<Integer, Fd> handed;
        private final Duration given;
        private final OperationEvents.@Nullable PrivilegedOperation recorded;
        private final long deadline;
        private boolean settled;
        private @Nullable IntConsumer signals;
        private int signalled;

        private Task(int peerid, Operations.Asked asked) {
            this.peerid = peerid;
            this.asked = asked;
            this.recorded = Recorder.started() ? OperationEvents.asked(child, asked) : null;
            this.handed = handedOver.take(peerid);
            this.given = asked.operation().goesOn() || asked.deadline().isZero()
                    || asked.deadline().compareTo(limits.deadline()) > 0 ? limits.deadline() : asked.deadline();
            this.deadline = System.nanoTime() + given.toNanos();
        }

        /** Returns whether no other thread gives the last answer. */
        private boolean settle() {
            synchronized (Session.this) {
                boolean first = !settled;
                settled = true;
                return first;
            }
        }

        @Override
        public void run() {
            try {
                if (asked.operation().effect() == Effect.CHANGE)
                    workers.change(this::perform);
                else
                    perform();
            } catch (Throwable t) {
                leave(this);
                abandon(t);
            }
        }

        private void perform() {
            try {
                if (settled)
                    return;
                Answer answer = result();
                if (settle())
                    answer(answer);
                else
                    answer.close();
            } catch (IOException e) {
                // The child does not take it, and is dropped.
            }
        }

        private Answer result() {
            try {
                Policy.Line line = policy.get().allowing(asked.request());
                return asked.operation().perform(new Permit<>(asked.request(), line.rule(), line.origin(), host, this,
                        asked.deadline(), deadline, this::isOver));
            } catch (ErrnoException e) {
                // The work looks at the same deadline, and may see it pass first.
                boolean over = e.number() == Errno.number("ETIMEDOUT") && System.nanoTime() - deadline >= 0;
                return over ? expired() : failed(e);
            } catch (IOException | RuntimeException | Error e) {
                return failed(e);
            }
        }

        private boolean isOver() {
            return workers.isClosing() || System.nanoTime() - deadline > 0;
        }

        private Answer expired() {
            log(Level.WARNING, "asked to " + asked.request() + ", which was not done within " + given.toMillis()
                    + " ms");
            return Answer.expired();
        }

        /** Sends the last answer; only then is there room for another request. */
        private void answer(Answer answer) throws IOException {
            try {
                ended.get(answer.outcome()).increment();
                if (recorded != null)
                    recorded.answered(answer.outcome());
                // Before the answer: the peerid is free when the child has it.
                synchronized (Session.this) {
                    goingOn.remove(peerid, this);
                }
                Session.this.send(peerid, answer);
            } finally {
                leave(this);
            }
        }

        @Override
        public void send(Answer answer) throws IOException {
            Session.this.send(peerid, answer);
        }

        @Override
        public synchronized void signals(IntConsumer receiver) {
            signals = receiver;
            if (signalled != 0)
                receiver.accept(signalled);
        }

        private synchronized void signal(int number) {
            if (signals == null)
                signalled = number;
            else
                signals.accept(number);
        }

        @Override
        public Map<Integer, Fd> handed() {
            return handed;
        }

        @Override
        public void closeHanded() {
            handedOver.close(handed.values());
            synchronized (Session.this) {
                Session.this.notifyAll();
            }
        }

        @Override
        public void authenticated(String user) {
            synchronized (Session.this) {
                authenticated.addFirst(user);
                if (authenticated.size() > MOST_AUTHENTICATED)
                    authenticated.removeLast();
            }
            told.accept(user);
        }

        @Override
        public int tries() {
            return tries.incrementAndGet();
        }

        @Override
        public boolean hasAuthenticated(String user) {
            synchronized (Session.this) {
                return authenticated.contains(user);
            }
        }

        @Override
        public Lock starting() {
            return starting;
        }

        @Override
        public void note(String text) {
            log(Level.INFO, text);
        }
    }

    private Answer failed(Throwable e) {
        if (e instanceof RefusedException)
            refusals.increment();
        if (e instanceof RefusedException)
            log(Level.WARNING, "is refused: " + e.getMessage());
        else if (e instanceof IOException || e instanceof ImsgTooLargeException)
            log(Level.DEBUG, "was told: " + e.getMessage());
        else if (admitted())
            LOG.log(Level.ERROR, "a request of " + child + " failed", LogText.oneLine(e));
        return Answer.of(e);
    }

    private void send(int peerid, Answer answer) throws IOException {
        try (answer; Imsg message = answer.toImsg(peerid)) {
            channel.send(message, limits.unread());
        } catch (ImsgTooLargeException e) {
            send(peerid, Answer.of(e));
        } catch (IOException e) {
            if (channel.isOpen())
                log(Level.WARNING, "does not take an answer: " + e.getMessage());
            if (e instanceof SocketTimeoutException)
                dropped = "it left answers unread for " + limits.unread().toMillis() + " ms";
            closeChannel();
            throw e;
        }
    }

    private void closeChannel() {
        try {
            channel.close();
        } catch (IOException e) {
            log(Level.DEBUG, "left a channel that does not close: " + e.getMessage());
        }
    }

    /** Ends the session of a child for which there is no memory, or no answer at all. */
    private void abandon(Throwable why) {
        dropped = "a request could not be answered";
        closeChannel();
        LOG.log(Level.ERROR, child + " is dropped: a request could not be answered", LogText.oneLine(why));
    }

    /** Ends the child's programs, and returns when nothing of it is left. */
    private void end() {
        boolean interrupted = false;
        synchronized (this) {
            goingOn.values().forEach(task -> task.signal(Signal.KILL));
        }
        workers.close();
        handedOver.closeAll();
        synchronized (this) {
            while (!goingOn.isEmpty()) {
                try {
                    wait();
                } catch (InterruptedException _) {
                    interrupted = true;
                }
            }
            if (unwritten > 0)
                LOG.log(Level.WARNING, child + " had " + unwritten + " more lines that were not logged");
        }
        if (interrupted)
            Thread.currentThread().interrupt();
    }

    /** Writes a line that may have the child's words in it: they must not begin a line of their own. */
    private void log(Level level, String text) {
        if (LOG.isLoggable(level) && admitted())
            LOG.log(level, child + " " + LogText.oneLine(text));
    }

    /** Returns whether one more line about this child may be written now. */
    private boolean admitted() {
        int missing;
        synchronized (this) {
            if (!lines.admits()) {
                unwritten++;
                return false;
            }
            missing = unwritten;
            unwritten = 0;
        }
        if (missing > 0)
            LOG.log(Level.WARNING, child + " had " + missing + " more lines that were not logged");
        return true;
    }
}
