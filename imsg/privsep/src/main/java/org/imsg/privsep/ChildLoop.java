package org.imsg.privsep;

import java.io.IOException;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.imsg.Imsg;
import org.imsg.ImsgChannel;
import org.imsg.ImsgProtocolException;
import org.imsg.privsep.ops.Privileged;
import org.imsg.unix.Fd;
import org.imsg.unix.Lifeline;

/** The life of a child: confined, connected, started, and gone with its parent. */
final class ChildLoop implements Connection.Receiver {
    /** How long a child may outlive its parent. */
    private static final long GRACE_NANOS = TimeUnit.MILLISECONDS.toNanos(300);

    private final Role role;
    private final RoleProcess self;
    private final RoleTable table;
    private final System.Logger log;
    private final RatedLog ofParent;
    /** Records about peers count in the parent as records of this process, which must keep room for its own. */
    private final PeerBounds ofPeers;
    private final ExecutorService requests = Executors
            .newSingleThreadExecutor(Thread.ofPlatform().daemon().name("imsg-request").factory());
    private boolean started;
    private int exitCode;

    private ChildLoop(Role role, RoleProcess self, RoleTable table, System.Logger log) {
        this.role = role;
        this.self = self;
        this.table = table;
        this.log = log;
        this.ofParent = new RatedLog(log, Peer.PARENT, PeerBounds.USUAL);
        this.ofPeers = table.get(self.role()).bounds().ofOneAmong(table.reachableFrom(self.role()).stream()
                .filter(name -> !name.equals(Peer.PARENT)).mapToInt(name -> table.get(name).instances()).sum());
    }

    /** Runs the role; does not return. */
    static void run(String program, RoleTable table, List<String> arguments, JvmSettings jvm) {
        int code = 1;
        table.all().stream().filter(role -> role.name().equals(System.getenv(ChildEnvironment.ROLE)))
                .forEach(role -> role.rights().preload());
        try {
            Fd channel = Fd.of(ChildEnvironment.CHANNEL);
            // Never closed: closing it would shut down the socket for the channel too.
            Fd lifeline = channel.dup();
            Thread.ofPlatform().daemon().name("imsg-lifeline").start(() -> endWithParent(lifeline));
            code = run(program, table, arguments, jvm, new Connection(channel, Peer.PARENT, PeerBounds.USUAL));
        } catch (IOException | RuntimeException e) {
            System.err.println(System.getenv(ChildEnvironment.ROLE) + " of " + program + " cannot start: descriptor "
                    + ChildEnvironment.CHANNEL + " is not the channel to its parent (" + Printable.line(e)
                    + "); children are started by the parent only");
        }
        System.exit(code);
    }

    private static int run(String program, RoleTable table, List<String> arguments, JvmSettings jvm,
            Connection parent) {
        System.Logger log = RelayLogger.relayTo(parent, program);
        String role = System.getenv(ChildEnvironment.ROLE);
        String failing = " cannot be prepared: ";
        String advice = "; mend prepare() of the role, or what it needs";
        try {
            RoleSettings settings = table.get(role);
            int instance = Integer.parseInt(System.getenv(ChildEnvironment.INSTANCE));
            RoleProcess self = new RoleProcess(program, arguments, table.reachableFrom(settings.name()),
                    table.askableFrom(settings.name()),
                    settings.name(), instance, parent, log);
            ChildLoop loop = new ChildLoop(settings.newRole(), self, table, log);
            Thread.setDefaultUncaughtExceptionHandler((thread, thrown) -> log.log(System.Logger.Level.ERROR,
                    "thread " + thread.getName() + " of " + self + " failed", thrown));
            settings.rights().becomeUser();
            loop.role.prepare(self);
            failing = " cannot give up its rights: ";
            advice = "; change what the role declares, or start the parent with the rights this takes";
            settings.rights().complete(jvm, settings.jvmOptions(), settings.instances());
            parent.send(Protocol.ready());
            parent.read(loop);
            return loop.exitCode;
        } catch (Exception | Error e) {
            log.log(System.Logger.Level.ERROR, role + failing + Printable.line(e) + advice);
            log.log(System.Logger.Level.DEBUG, role + failing, e);
            return 1;
        }
    }

    /** The one thing that works whatever the role is doing: when the parent is gone, so is this process. */
    private static void endWithParent(Fd lifeline) {
        try {
            Lifeline.awaitHangUp(lifeline);
        } catch (IOException _) {
            // no lifeline is as bad as a cut one
        }
        LockSupport.parkNanos(GRACE_NANOS);
        Runtime.getRuntime().halt(1);
    }

    @Override
    public void message(Imsg message) throws IOException {
        switch (message.type()) {
            case Protocol.CONNECT -> connect(message);
            case Protocol.OPERATIONS -> takeOperations(message);
            case Protocol.PASSED -> takePassed(message);
            case Protocol.START -> start();
            case Protocol.REQUEST, Protocol.REHEARSE -> serve(message);
            case Protocol.GIVEN, Protocol.REFUSED -> self.answered(message);
            case Protocol.RELOAD -> self.dispatch().quietlyInTurn("reload", () -> role.reload(self));
            default -> {
                if (Protocol.isReserved(message.type()))
                    log.log(System.Logger.Level.ERROR, "unknown message of the framework from the parent: " + message);
                else
                    deliver(self.parent(), message, ofParent);
            }
        }
    }

    private void deliver(Peer from, Imsg message, RatedLog to) {
        to.slowDown();
        try {
            self.dispatch().deliver(from, message);
        } catch (ViolationException e) {
            to.log(System.Logger.Level.ERROR, "dropped: " + e.getMessage());
        } catch (Exception e) {
            to.log(System.Logger.Level.ERROR, "the handler of " + message + " from " + from + " failed", e);
        }
    }

    /** In the thread of requests, so that messages are read meanwhile. */
    private void serve(Imsg message) {
        Imsg request = Protocol.unwrap(message);
        boolean rehearsal = message.type() == Protocol.REHEARSE;
        requests.execute(() -> {
            try (request) {
                if (rehearsal)
                    role.rehearse(self, request);
                else
                    role.serve(self, request);
            } catch (InterruptedException _) {
                // it was told to end
            } catch (Exception | StackOverflowError e) {
                log.log(System.Logger.Level.ERROR,
                        self + " failed to " + (rehearsal ? "rehearse: " : "serve a request: ") + Printable.line(e));
                log.log(System.Logger.Level.DEBUG, "serve", e);
            } catch (Error e) {
                // A class that could not be loaded once never can: the next request deserves another process.
                log.log(System.Logger.Level.ERROR, self + " ends: " + Printable.line(e));
                log.log(System.Logger.Level.DEBUG, "serve", e);
                Runtime.getRuntime().halt(1);
            }
            try {
                self.done();
            } catch (IOException _) {
                // the parent is gone, or wants no more of it
            }
        });
    }

    private void connect(Imsg message) throws IOException {
        Protocol.Introduction introduced = Protocol.Introduction.of(message);
        String name = Peer.name(introduced.role(), introduced.instance());
        Fd socket = message.takeFd();
        if (socket == null) {
            log.log(System.Logger.Level.ERROR, "the channel to " + name + " did not arrive: " + message.descriptor());
            self.parent().connection().send(introduced.lost());
            return;
        }
        Peer peer = new Peer(introduced.role(), introduced.instance(), new Connection(socket, name,
                table.get(introduced.role()).bounds()));
        self.add(peer);
        if (started)
            begin(peer);
    }

    private void takeOperations(Imsg message) throws IOException {
        self.operations(Privileged.over(ImsgChannel.of(needed("the channel to the monitor", message))));
    }

    private void takePassed(Imsg message) throws IOException {
        String name = message.getString(message.length());
        self.take(name, needed("descriptor " + name + " of systemd", message));
    }

    /** The descriptor of a message that comes before the role is started, which could not do its work without. */
    private Fd needed(String what, Imsg message) throws IOException {
        Fd fd = message.takeFd();
        if (fd == null) {
            log.log(System.Logger.Level.ERROR, self.role() + " cannot start: " + what + " did not arrive: "
                    + message.descriptor() + "; raise the role's limit of descriptors");
            exitCode = 1;
            throw new IOException("not started");
        }
        return fd;
    }

    private void start() throws IOException {
        try {
            self.dispatch().inTurn(() -> role.start(self));
        } catch (Exception | Error e) {
            log.log(System.Logger.Level.ERROR, self.role() + " cannot start: " + Printable.line(e)
                    + "; mend start() of the role, or leave it the rights it needs (unveil, pledge, policy)");
            log.log(System.Logger.Level.DEBUG, "start", e);
            exitCode = 1;
            throw new IOException("not started", e);
        }
        started = true;
        self.dispatch().open();
        self.everybody().stream().filter(peer -> peer != self.parent()).forEach(this::begin);
    }

    private void begin(Peer peer) {
        self.dispatch().quietlyInTurn("connected", () -> role.connected(self, peer));
        RatedLog ofPeer = new RatedLog(log, peer.toString(), ofPeers);
        peer.connection().startReading(new Connection.Receiver() {
            @Override
            public void message(Imsg message) {
                deliver(peer, message, ofPeer);
            }

            @Override
            public void ended(Throwable fault) {
                if (fault != null)
                    ofPeer.log(System.Logger.Level.ERROR, "the connection to " + peer + " is closed: " + why(fault));
                ofPeer.flush();
                peer.connection().close();
                self.remove(peer);
                self.dispatch().quietlyInTurn("disconnected", () -> role.disconnected(self, peer));
            }
        });
    }

    /** The parent's deadlines bound the wait. */
    private void endRequest() {
        requests.shutdownNow();
        try {
            requests.awaitTermination(1, TimeUnit.DAYS);
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
    }

    private static String why(Throwable fault) {
        return fault instanceof ImsgProtocolException
                ? "what it sends is no message: " + fault.getMessage()
                : "handling what it sends failed: " + fault + "\n" + Printable.trace(fault);
    }

    /** The parent has ended the channel. */
    @Override
    public void ended(Throwable fault) {
        if (fault != null) {
            log.log(System.Logger.Level.ERROR, self + " ends: " + why(fault));
            exitCode = 1;
        }
        if (!started)
            return;
        endRequest();
        try {
            self.dispatch().inTurn(() -> role.stop(self));
        } catch (Exception | Error e) {
            log.log(System.Logger.Level.ERROR, "stop failed", e);
            exitCode = 1;
        }
    }
}
