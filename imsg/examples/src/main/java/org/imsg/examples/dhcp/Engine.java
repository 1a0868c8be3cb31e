package org.imsg.examples.dhcp;

import java.io.IOException;
import java.lang.System.Logger.Level;
import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.HexFormat;
import java.util.Optional;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.TimeUnit;
import org.imsg.privsep.Role;
import org.imsg.privsep.RoleProcess;
import org.imsg.privsep.ops.PrivilegedInterface;
import org.imsg.privsep.ops.PrivilegedInterface.Address;
import org.imsg.unix.ErrnoException;
import org.imsg.unix.FdChannel;

/** The child: talks to servers, and asks the parent for everything that changes the machine. */
final class Engine implements Role {
    private static final Duration FIRST_WAIT = Duration.ofSeconds(2);
    private static final Duration LONGEST_WAIT = Duration.ofSeconds(32);
    private static final int ENETDOWN = 100;
    private static final int LONGEST_FRAME = 1 << 16;
    private static final Address DEFAULT = new Address(InetAddress.ofLiteral("0.0.0.0"), 0);

    private final int transaction = new SecureRandom().nextInt();
    /** A flood of answers is dropped rather than kept. */
    private final BlockingQueue<Reply> replies = new ArrayBlockingQueue<>(16);
    private RoleProcess self;
    private PrivilegedInterface networkInterface;
    private FdChannel packets;
    private byte[] hardware;
    private volatile Optional<Lease> bound = Optional.empty();
    /** The address whose offer came to nothing last; the next discovery waits for another one. */
    private Optional<InetAddress> passedOver = Optional.empty();

    @Override
    public void start(RoleProcess process) throws IOException {
        self = process;
        String name = self.arguments().getFirst();
        networkInterface = self.privileged().networkInterface(name);
        networkInterface.setUp(true);
        hardware = HexFormat.ofDelimiter(":").parseHex(networkInterface.state().hardwareAddress());
        packets = new FdChannel(self.privileged().packets(name));
        Thread.ofPlatform().daemon().name("receive").start(this::receive);
        Thread.ofPlatform().daemon().name("lease").start(this::keepLeases);
    }

    private void receive() {
        ByteBuffer frame = ByteBuffer.allocate(LONGEST_FRAME);
        try {
            for (;;)
                try {
                    packets.read(frame.clear());
                    Reply.of(frame.flip(), transaction, hardware).ifPresent(replies::offer);
                } catch (ErrnoException e) {
                    // Told once each time the interface is set down; frames come again when it is up.
                    if (e.number() != ENETDOWN)
                        throw e;
                }
        } catch (IOException e) {
            self.log().log(Level.ERROR, "no more packets: " + e.getMessage());
        }
    }

    private void keepLeases() {
        try {
            for (Duration wait = FIRST_WAIT;; wait = longer(wait))
                try {
                    Lease lease = get();
                    use(lease);
                    passedOver = Optional.empty();
                    wait = FIRST_WAIT;
                    for (Optional<Lease> next = Optional.of(lease); next.isPresent(); next = renewed(lease))
                        lease = next.get();
                    self.log().log(Level.WARNING, "the lease has ended");
                } catch (IOException e) {
                    // Neither a stranger's offer that is refused nor an interface that is down for a while ends the asking.
                    self.log().log(Level.WARNING, "no lease yet: " + e.getMessage());
                    TimeUnit.NANOSECONDS.sleep(wait.toNanos());
                }
        } catch (InterruptedException e) {
            self.log().log(Level.ERROR, "no more leases", e);
        }
    }

    /** Asks until a server has given an address. */
    private Lease get() throws IOException, InterruptedException {
        for (Duration wait = FIRST_WAIT;; wait = longer(wait)) {
            Optional<Reply> offer = ask(Question.DISCOVER, Optional.empty(), Reply.Kind.OFFER, wait);
            Optional<Lease> lease = offer.flatMap(Reply::lease);
            passedOver = lease.map(Lease::address);
            if (lease.isPresent()) {
                Optional<Reply> answer = ask(Question.REQUEST, lease, Reply.Kind.ACK, FIRST_WAIT);
                Optional<Lease> given = answer.flatMap(Reply::lease);
                if (given.isPresent())
                    return given.get();
                if (answer.isPresent())
                    throw new IOException("the server has taken its offer back");
            }
        }
    }

    /** Waits for half of the lease, and asks for it again until it is over. */
    private Optional<Lease> renewed(Lease lease) throws IOException, InterruptedException {
        long end = System.nanoTime() + lease.time().toNanos();
        TimeUnit.NANOSECONDS.sleep(lease.time().toNanos() / 2);
        for (Duration wait = FIRST_WAIT; System.nanoTime() - end < 0; wait = longer(wait)) {
            Optional<Reply> given = ask(Question.RENEW, Optional.of(lease), Reply.Kind.ACK, wait);
            Optional<Lease> next = given.flatMap(Reply::lease);
            if (next.isPresent()) {
                use(next.get());
                return next;
            }
            if (given.isPresent())
                break;
        }
        bound = Optional.empty();
        return Optional.empty();
    }

    private static Duration longer(Duration wait) {
        return wait.compareTo(LONGEST_WAIT) < 0 ? wait.multipliedBy(2) : wait;
    }

    /** Asks, and waits for a whole answer of a kind about what was asked for, or a refusal. */
    private Optional<Reply> ask(Question question, Optional<Lease> lease, Reply.Kind wanted, Duration wait)
            throws IOException, InterruptedException {
        replies.clear();
        packets.write(question.frame(transaction, hardware, lease));
        long end = System.nanoTime() + wait.toNanos();
        for (;;) {
            Reply reply = replies.poll(end - System.nanoTime(), TimeUnit.NANOSECONDS);
            if (reply == null)
                return Optional.empty();
            Optional<InetAddress> address = reply.lease().map(Lease::address);
            boolean good = reply.kind() == wanted && address.isPresent() && (wanted == Reply.Kind.OFFER
                    ? !address.equals(passedOver)
                    : address.equals(lease.map(Lease::address)));
            if (good || reply.kind() == Reply.Kind.NAK && wanted == Reply.Kind.ACK)
                return Optional.of(reply);
        }
    }

    /** The kernel takes the address away by itself when its lease is over, also when nothing of this program is left. */
    private void use(Lease lease) throws IOException {
        networkInterface.addAddress(new Address(lease.address(), lease.bits()), lease.time());
        if (lease.router().isPresent())
            try {
                networkInterface.addRoute(DEFAULT, lease.router());
            } catch (ErrnoException e) {
                self.log().log(Level.DEBUG, "the route stays: " + e.getMessage());
            }
        if (!lease.nameServers().isEmpty())
            self.parent().send(NameServers.message(lease.nameServers()));
        bound = Optional.of(lease);
        self.log().log(Level.INFO, "bound to " + lease.address().getHostAddress() + "/" + lease.bits() + " for "
                + lease.time().toSeconds() + " s");
    }

    @Override
    public void stop(RoleProcess process) throws IOException {
        Optional<Lease> lease = bound;
        if (lease.isEmpty())
            return;
        packets.write(Question.RELEASE.frame(transaction, hardware, lease));
        // With its address goes the route.
        networkInterface.removeAddress(new Address(lease.get().address(), lease.get().bits()));
    }
}
