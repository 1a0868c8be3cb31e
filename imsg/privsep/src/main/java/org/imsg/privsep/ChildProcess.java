package org.imsg.privsep;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import java.util.function.LongConsumer;
import java.util.function.Predicate;
import org.imsg.Ibuf;
import org.imsg.Imsg;
import org.imsg.ImsgChannel;
import org.imsg.ImsgProtocolException;
import org.imsg.privsep.ops.ChildDroppedException;
import org.imsg.privsep.ops.Monitor;
import org.imsg.privsep.rights.Confinement;
import org.imsg.privsep.rights.ControlGroup;
import org.imsg.privsep.rights.Ids;
import org.imsg.sys.Recorder;
import org.imsg.unix.Child;
import org.imsg.unix.Fd;
import org.imsg.unix.FdChannel;
import org.imsg.unix.Sockets;
import org.jspecify.annotations.Nullable;

/**
 * A running child as the parent sees it: the process, the channel, and what it prints. All threads that serve it until the finish
 * hook has run for it are there before it is. A fault in one of them kills the child and nothing else.
 */
final class ChildProcess implements Connection.Receiver {
    private static final Duration LAST_WORDS = Duration.ofSeconds(1);
    private static final int LONGEST_REASON = 300;

    private final JvmSettings jvm;
    private final ParentProcess self;
    private final Supervisor supervisor;
    private final Consumer<LongConsumer> events;
    private final Instance instance;
    /** The user it was started as, if a request has named one. */
    private final @Nullable Ids ids;
    private final RatedLog log;
    /** The roles it may ask for. */
    private final Predicate<String> mayAsk;
    /** When the parent began to start it. */
    private final long began = System.nanoTime();
    private final CompletableFuture<Runnable> hook = new CompletableFuture<>();
    /** Made in advance, for there may be no memory when it is needed. */
    private final LongConsumer channelEnded;
    private final LongConsumer ended;
    private @Nullable Connection connection;
    private @Nullable ChildOutput output;
    private @Nullable ControlGroup group;
    private volatile @Nullable Child child;
    private volatile @Nullable Peer peer;
    private volatile @Nullable MonitorThread served;
    private volatile @Nullable Thread last;
    private volatile Child.@Nullable ExitStatus status;
    /** It has said that it is ready. */
    private volatile boolean ready;
    /** It has logged an error. */
    private volatile boolean explained;
    /** After a violation nothing it says counts. */
    private volatile boolean distrusted;
    /** The supervising thread has been told of its end; or it never began. */
    private volatile boolean over;
    /** It was given what it has not said to be done. */
    private final AtomicBoolean given = new AtomicBoolean();
    /** The other end of what it rehearses with. */
    private volatile @Nullable Fd rehearsal;
    /** Requests for other roles that have no answer yet. */
    private final Set<Request> asking = ConcurrentHashMap.newKeySet();
    private final Introductions introductions = new Introductions();
    private final LongConsumer done;

    private ChildProcess(ParentProcess self, Supervisor supervisor, Consumer<LongConsumer> events, Instance instance,
            RatedLog log, Predicate<String> mayAsk, JvmSettings jvm) {
        this.jvm = jvm;
        this.self = self;
        this.supervisor = supervisor;
        this.events = events;
        this.instance = instance;
        this.ids = instance.ids;
        this.log = log;
        this.mayAsk = mayAsk;
        this.channelEnded = ifCurrent(now -> supervisor.channelEnded(instance, now));
        this.ended = ifCurrent(now -> supervisor.ended(instance, status, now));
        this.done = ifCurrent(now -> supervisor.done(instance, now));
    }

    /** Starts it. Its later fate comes as events for the supervising thread. */
    static ChildProcess start(ParentProcess self, Supervisor supervisor, Consumer<LongConsumer> events,
            Instance instance, RatedLog log, Predicate<String> mayAsk, Child.Builder builder, JvmSettings jvm)
            throws IOException {
        ChildProcess process = new ChildProcess(self, supervisor, events, instance, log, mayAsk, jvm);
        try (Fd.Pair ends = Fd.socketpair()) {
            process.start(ends, builder);
            if (Recorder.started())
                ChildEvents.started(instance, process.pid(), process.age());
            return process;
        } catch (Throwable e) {
            process.over = true;
            process.hook.complete(() -> {});
            process.kill(Instance.SIGKILL);
            process.close();
            process.endGroup(e);
            if (process.output != null)
                process.output.close();
            throw e;
        }
    }

    private void start(Fd.Pair ends, Child.Builder builder) throws IOException {
        RoleSettings role = instance.role;
        connection = new Connection(ends.first(), instance.toString(), role.bounds());
        if (!role.inheritsStreams()) {
            output = new ChildOutput(builder, role.bounds());
            output.startReading(instance.toString(), log, fault -> failed("reading what it prints", fault));
        }
        Thread reader = connection.startReading(this);
        group = role.rights().newGroup(instance.toString());
        // Not by a stage of its end, for one of a child that has ended already is run by this thread, which would wait for itself.
        builder.descriptor(ChildEnvironment.CHANNEL, ends.second()).atExit(how -> follow(reader, how));
        child = role.rights().spawn(builder, jvm, instance.ids);
        if (group != null)
            child.whileThere(group::add);
        if (output != null)
            output.handedOver();
    }

    /** The thread that has waited for the end reports it, and calls the finish hook when the supervising thread has one. */
    private void follow(Thread reader, Child.ExitStatus how) {
        last = Thread.currentThread();
        status = how;
        try {
            // What it sent before it died is worth knowing before its end is; a handler that hangs is not waited for.
            reader.join(LAST_WORDS);
            if (output != null) {
                output.await(LAST_WORDS);
                output.close();
            }
            log.flush();
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        } catch (RuntimeException | Error e) {
            failed("taking its last words", e);
        } finally {
            events.accept(ended);
        }
        Runnable call = hook.join();
        try {
            if (served != null)
                served.await();
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
        call.run();
    }

    /** Says of a child that has ended and was never ready, and has not said itself why, what it printed and what may help; else empty. */
    String neverReady() {
        if (ready || explained || distrusted)
            return "";
        String printed = output == null ? "" : Printable.of(output.firstLine(), LONGEST_REASON);
        return " before it was ready" + (printed.isEmpty() ? "" : ", and printed: " + printed)
                + "; its user has to be able to read the class path, and the role's JVM options and limits to suffice";
    }

    private LongConsumer ifCurrent(LongConsumer event) {
        return now -> {
            if (!over)
                event.accept(now);
        };
    }

    @Nullable
    Connection connection() {
        return connection;
    }

    int pid() {
        return child.pid();
    }

    /** The nanoseconds since the parent began to start it. */
    long age() {
        return System.nanoTime() - began;
    }

    /** Its process, its channel and what it was refused, by the names of {@link ControlProtocol}. */
    Map<String, String> figures() throws IOException {
        Map<String, String> figures = new LinkedHashMap<>();
        figures.put("pid", Integer.toString(pid()));
        Map<String, String> seen = ChildFigures.of(pid());
        if (isThere())
            figures.putAll(seen);
        figures.putAll(connection.figures());
        if (served != null)
            figures.put("refusals", Long.toString(refusals()));
        return figures;
    }

    /** The counters of its channel. */
    ImsgChannel.Counters counters() {
        return connection.counters();
    }

    /** How much of what it asked for was refused. */
    long refusals() {
        MonitorThread monitor = served;
        return monitor == null ? 0 : monitor.refusals();
    }

    /** What the kernel shows of it that is otherwise than its role declares. */
    List<String> differences() throws IOException {
        RoleSettings role = instance.role;
        Confinement declared = role.rights().declared(ids, jvm, role.jvmOptions(), role.instances());
        try {
            List<String> differences = (group == null ? declared : declared.controlGroup(group)).differences(pid());
            return isThere() ? differences : List.of();
        } catch (IOException e) {
            // With its end its group goes.
            if (isThere())
                throw e;
            return List.of();
        }
    }

    /** It has not been waited for: its number is still its own. */
    private boolean isThere() throws IOException {
        return child.whileThere(_ -> {});
    }

    private String name() {
        Child process = child;
        return process == null ? instance.toString() : instance + " (pid " + process.pid() + ")";
    }

    void kill(int signal) {
        Child process = child;
        if (process != null)
            process.kill(signal);
    }

    private void endGroup(Throwable why) {
        try {
            endGroup();
        } catch (IOException e) {
            why.addSuppressed(e);
        }
    }

    /** Kills all that it has left in its control group, if it has one. */
    void killGroup() throws IOException {
        if (group != null)
            group.kill();
    }

    /** Removes that group, which may have to wait for the ends of what was killed. */
    void endGroup() throws IOException {
        if (group != null)
            group.close();
    }

    /** The supervising thread knows of its end: nothing of it counts any more but that this is run, in a thread of its own. */
    void finish(Runnable call) {
        over = true;
        close();
        hook.complete(call);
        if (Recorder.started())
            ChildEvents.ended(instance, pid(), age(), status, supervisor.startsAgain(instance));
    }

    /** The call takes too long. */
    void interruptFinish() {
        last.interrupt();
    }

    /** Nothing it says counts any more, and nothing is done for it. */
    void close() {
        if (connection != null)
            connection.close();
        if (served != null)
            served.close();
        endRehearsal();
        asking.forEach(Request::withdraw);
    }

    private void endRehearsal() {
        Fd other = rehearsal;
        if (other != null)
            other.close();
    }

    /** Hands it something to rehearse, with a socket that has the input and then reads as ended. */
    void rehearse() throws IOException {
        OnDemand settings = instance.role.onDemand().orElseThrow();
        try (Fd.Pair ends = Fd.socketpair()) {
            try (FdChannel client = new FdChannel(ends.first().dup())) {
                client.write(ByteBuffer.wrap(settings.rehearsedInput()));
            }
            Sockets.shutdownOutput(ends.first());
            rehearsal = ends.first().move();
            try (Imsg message = Protocol.request(Protocol.REHEARSE,
                    Imsg.of(0, settings.rehearsedPayload()).withFd(ends.second()))) {
                hand(message);
            }
        }
    }

    /** Hands it something it will say to have done. */
    private void hand(Imsg message) throws IOException {
        given.set(true);
        connection.send(message);
    }

    /** Hands it a request, and tells the asker. */
    void give(Request request) {
        try (Imsg message = request.message()) {
            hand(message);
            request.given(peer);
        } catch (IOException | RuntimeException | Error e) {
            request.failed(name() + " has just ended: " + Printable.line(e));
        }
    }

    private void done() throws ViolationException {
        if (!given.compareAndSet(true, false))
            throw new ViolationException("says that it has done what it was not given");
        endRehearsal();
        events.accept(done);
    }

    private void lost(Instance other) {
        events.accept(ifCurrent(now -> supervisor.lost(instance, other, now)));
    }

    private void ask(Imsg message) throws ViolationException {
        Protocol.Question question = Protocol.Question.of(message);
        if (peer == null || !mayAsk.test(question.role())) {
            question.request().close();
            throw new ViolationException("asks for a role that it may not ask for");
        }
        Request request = new Request(Protocol.request(Protocol.REQUEST, question.request()), null, instance,
                TimeUnit.MILLISECONDS.toNanos(question.patienceMillis()), new Request.Asker() {
                    @Override
                    public void given(Peer to) {
                        answer(Imsg.of(Protocol.GIVEN, question.number(), 0, Ibuf.open(4).addH32(to.instance())));
                    }

                    @Override
                    public void refused(String why) {
                        answer(Imsg.of(Protocol.REFUSED, question.number(), 0, why.getBytes(StandardCharsets.UTF_8)));
                    }
                });
        asking.add(request);
        if (over)
            request.withdraw();
        else if (asking.size() > instance.role.bounds().queuedDescriptors())
            request.refuse("more than " + instance.role.bounds().queuedDescriptors() + " requests of " + instance
                    + " have no answer yet");
        else
            events.accept(now -> supervisor.request(question.role(), request, now));
    }

    Introductions introductions() {
        return introductions;
    }

    private void answer(Imsg message) {
        asking.removeIf(Request::isOver);
        try (message) {
            connection.send(message);
        } catch (IOException _) {
            // It has ended, or does not read, which is dealt with.
        }
    }

    /** Does for it what a policy allows, until it has ended. */
    void serve(Monitor monitor, Fd socket) throws IOException {
        served = new MonitorThread(monitor, socket, instance.toString(), this::faulty);
    }

    private Optional<String> authenticated() {
        MonitorThread monitor = served;
        return monitor == null ? Optional.empty() : monitor.authenticated();
    }

    /** From now on it can be sent to, and says things to the user's handlers. */
    Peer becomePeer() {
        peer = new Peer(instance.role.name(), instance.number, connection, this::authenticated);
        if (Recorder.started())
            ChildEvents.runs(instance, pid(), age());
        return peer;
    }

    Optional<Peer> peer() {
        return Optional.ofNullable(peer);
    }

    @Override
    public void message(Imsg message) throws IOException {
        if (distrusted)
            return;
        log.slowDown();
        try {
            switch (message.type()) {
                case Protocol.READY -> ready(message);
                case Protocol.DONE -> done();
                case Protocol.ASK -> ask(message);
                case Protocol.LOST -> lost(introductions.lost(Protocol.Introduction.of(message)));
                case Protocol.LOG -> relay(Protocol.Record.of(message));
                default -> deliver(message);
            }
        } catch (ViolationException e) {
            violated(e.getMessage(), false);
        } catch (Exception e) {
            // A handler that failed because this child does not read has had its violation.
            if (!distrusted)
                log.log(System.Logger.Level.ERROR, "the handler of " + message + " from " + name() + " failed", e);
        }
    }

    private void ready(Imsg message) throws ViolationException {
        Protocol.checkReady(message);
        if (ready)
            throw new ViolationException("says again that it is ready");
        ready = true;
        events.accept(ifCurrent(now -> {
            if (Recorder.started())
                ChildEvents.ready(instance, pid(), age());
            supervisor.ready(instance, now);
        }));
    }

    private void deliver(Imsg message) throws Exception {
        if (Protocol.isReserved(message.type()))
            throw new ViolationException("not a child's to send: " + message);
        if (peer == null)
            throw new ViolationException("sent before it was told to start: " + message);
        self.dispatch().deliver(peer, message);
    }

    private void relay(Protocol.Record record) {
        explained |= record.level() == System.Logger.Level.ERROR;
        log.log(record.level(), name() + " " + record.logger() + ": " + record.text());
    }

    @Override
    public void full(PeerQueueFullException reason) {
        violated(reason.getMessage(), false);
    }

    /** A violation that ends the child is logged once, others within the rate of its log. */
    private synchronized void violated(String what, boolean streamBroken) {
        if (distrusted)
            return;
        OnViolation policy = instance.role.onViolation();
        String text = name() + " violates the rules (" + policy + "): " + what;
        if (policy == OnViolation.DROP_MESSAGE && !streamBroken) {
            log.log(System.Logger.Level.WARNING, text);
            return;
        }
        distrusted = true;
        events.accept(ifCurrent(now -> supervisor.violated(instance, streamBroken, now)));
        log.always(System.Logger.Level.WARNING, text);
    }

    /** A thread that serves the child failed, perhaps for want of memory: the child is killed first, then logged. */
    private void failed(String what, Throwable fault) {
        distrusted = true;
        kill(Instance.SIGKILL);
        log.always(System.Logger.Level.ERROR,
                name() + " is killed: " + what + " failed: " + fault + "\n" + Printable.trace(fault));
    }

    private void faulty(Throwable fault) {
        if (fault instanceof ImsgProtocolException)
            violated("what it asks for is no message: " + fault.getMessage(), false);
        else if (fault instanceof ChildDroppedException)
            violated("its monitor serves it no longer: " + fault.getMessage(), true);
        else
            failed("serving it", fault);
    }

    @Override
    public void ended(Throwable fault) {
        try {
            if (fault instanceof ImsgProtocolException)
                violated("what it sends is no message: " + fault.getMessage(), true);
            else if (fault != null)
                failed("handling what it sends", fault);
        } finally {
            events.accept(channelEnded);
        }
    }
}
