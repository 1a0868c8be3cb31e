package org.imsg.privsep;

import java.io.IOException;
import java.time.Duration;
import java.util.Optional;
import java.util.function.BiConsumer;
import java.util.function.LongConsumer;
import org.imsg.Imsg;
import org.imsg.privsep.ops.Monitor;
import org.imsg.unix.Child;
import org.imsg.unix.Fd;

/** A running child as the parent sees it: the process, the channel, and who reads it. */
final class ChildProcess implements Connection.Receiver {
    private static final Duration LAST_WORDS = Duration.ofSeconds(1);

    private final ParentProcess self;
    private final Supervisor supervisor;
    private final BiConsumer<ChildProcess, LongConsumer> events;
    private final Instance instance;
    private final Child child;
    private final Connection connection;
    private final System.Logger log;
    private volatile Peer peer;
    private MonitorThread served;
    /** After a violation nothing it says counts. */
    private volatile boolean distrusted;

    private ChildProcess(ParentProcess self, Supervisor supervisor, BiConsumer<ChildProcess, LongConsumer> events,
            Instance instance, Child child, Connection connection) {
        this.self = self;
        this.supervisor = supervisor;
        this.events = events;
        this.instance = instance;
        this.child = child;
        this.connection = connection;
        this.log = System.getLogger(self.program() + "." + instance.role.name());
    }

    /** Starts it; events are what the supervising thread does about this process, if it is still the one that runs. */
    static ChildProcess start(ParentProcess self, Supervisor supervisor, BiConsumer<ChildProcess, LongConsumer> events,
            Instance instance, Child.Builder builder, JvmSettings jvm) throws IOException {
        try (Fd.Pair ends = Fd.socketpair()) {
            Connection connection = new Connection(ends.first(), instance.toString());
            try {
                Child child = instance.role.rights().spawn(builder.descriptor(ChildEnvironment.CHANNEL, ends.second()), jvm);
                ChildProcess process = new ChildProcess(self, supervisor, events, instance, child, connection);
                process.watch(connection.startReading(process));
                return process;
            } catch (IOException | RuntimeException e) {
                connection.close();
                throw e;
            }
        }
    }

    private void watch(Thread reader) {
        child.onExit().whenComplete((how, failure) -> {
            try {
                // What it sent before it died is worth knowing before its end is; a handler that hangs is not waited for.
                reader.join(LAST_WORDS);
            } catch (InterruptedException _) {
                Thread.currentThread().interrupt();
            }
            Child.ExitStatus status = failure == null ? how : new Child.ExitStatus(-1, 0);
            events.accept(this, now -> supervisor.ended(instance, status, now));
        });
    }

    Instance instance() {
        return instance;
    }

    Connection connection() {
        return connection;
    }

    int pid() {
        return child.pid();
    }

    void kill(int signal) {
        child.kill(signal);
    }

    void end(int signal) {
        child.kill(signal);
        close();
    }

    /** Nothing it says counts any more, and nothing is done for it. */
    void close() {
        connection.close();
        if (served != null)
            served.close();
    }

    /** Does for it what a policy allows, until it has ended. */
    void serve(Monitor monitor, Fd socket) throws IOException {
        served = new MonitorThread(monitor, socket, instance.toString(),
                fault -> violated("what it asks for is no message: " + fault.getMessage(), false));
    }

    /** Waits until the programs it asked for are gone. */
    void awaitServed() {
        try {
            if (served != null)
                served.await();
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
    }

    /** From now on it can be sent to, and says things to the user's handlers. */
    Peer becomePeer() {
        peer = new Peer(instance.role.name(), instance.number, connection);
        return peer;
    }

    Optional<Peer> peer() {
        return Optional.ofNullable(peer);
    }

    @Override
    public void message(Imsg message) {
        if (distrusted)
            return;
        try {
            switch (message.type()) {
                case Protocol.READY -> {
                    Protocol.checkReady(message);
                    events.accept(this, now -> supervisor.ready(instance, now));
                }
                case Protocol.LOG -> relay(Protocol.Record.of(message));
                default -> deliver(message);
            }
        } catch (ViolationException e) {
            violated(e.getMessage(), false);
        }
    }

    private void deliver(Imsg message) throws ViolationException {
        if (Protocol.isReserved(message.type()))
            throw new ViolationException("not a child's to send: " + message);
        if (peer == null)
            throw new ViolationException("sent before it was told to start: " + message);
        self.deliver(peer, message);
    }

    private void relay(Protocol.Record record) {
        log.log(record.level(), instance + " (pid " + child.pid() + ") " + record.logger() + ": " + record.text());
    }

    private void violated(String what, boolean streamBroken) {
        OnViolation policy = instance.role.onViolation();
        distrusted = policy != OnViolation.DROP_MESSAGE;
        log.log(System.Logger.Level.WARNING, instance + " (pid " + child.pid() + ") violates the rules ("
                + policy + "): " + what);
        events.accept(this, now -> supervisor.violated(instance, streamBroken, now));
    }

    @Override
    public void ended(IOException fault) {
        if (fault != null)
            violated("what it sends is no message: " + fault.getMessage(), true);
        events.accept(this, now -> supervisor.channelEnded(instance, now));
    }
}
