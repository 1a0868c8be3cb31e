package org.imsg.privsep.ops;

import static org.imsg.unix.ErrnoException.check;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.ClosedChannelException;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.imsg.Ibuf;
import org.imsg.privsep.ops.Operation.Effect;
import org.imsg.sys.Constants;
import org.imsg.sys.LinuxSyscalls;
import org.imsg.sys.OpenDescriptor;
import org.imsg.sys.Os;
import org.imsg.sys.Pam;
import org.imsg.sys.Posix;
import org.imsg.sys.RawSyscall;
import org.imsg.unix.ErrnoException;
import org.imsg.unix.Fd;
import org.jspecify.annotations.Nullable;

/**
 * Asks PAM whether a secret is a user's. The secret comes through a socket that is handed over before the request, so that it is in
 * no message and in no array of the heap.
 */
record Authenticate(String service, String user) implements Operation.Request {
    static final Operation<Authenticate, Rule> OPERATION = new Operation<>(Effect.NONE, 13, "pam",
            Authenticate::read, Rule::of, Authenticate::perform);
    /** The number under which the socket is handed over. */
    static final int SECRET = Handed.FIRST;
    /** A wrong secret takes a while, and one of a user who is not there takes the same. */
    private static final long REFUSAL_TAKES = TimeUnit.SECONDS.toNanos(1);
    private static final String SERVICE = "[A-Za-z0-9][A-Za-z0-9_.-]{0,63}";
    private static final int LONGEST_USER = 256;

    @Override
    public int number() {
        return OPERATION.number();
    }

    @Override
    public void addTo(Ibuf payload) {
        Fields.addString(payload, service);
        Fields.addString(payload, user);
    }

    private static Authenticate read(Fields fields) throws MalformedRequestException {
        Authenticate request = new Authenticate(fields.string("service"), fields.string("user"));
        if (!request.service.matches(SERVICE))
            throw new MalformedRequestException("a service is named by letters, digits, _, . and -");
        return request;
    }

    /** Takes a name as a stranger typed it; one that no user has may not fit into a message. */
    static Authenticate of(String service, String user) {
        return new Authenticate(service, isName(user) ? user : "");
    }

    /** PAM writes the name into its log, where a line of the name would pass for one of PAM. */
    private static boolean isName(String user) {
        return !user.isEmpty() && user.length() <= LONGEST_USER && user.equals(LogText.oneLine(user));
    }

    @Override
    public String toString() {
        return "authenticate " + LogText.shortened(user) + " for " + service;
    }

    /** Sends a secret to the other end, and closes this one; what the secret was copied to is wiped. */
    static void send(byte[] secret, Fd to) throws IOException {
        if (secret.length > Pam.LONGEST_SECRET)
            throw new IllegalArgumentException("a secret has at most " + Pam.LONGEST_SECRET + " bytes, not "
                    + secret.length);
        try (to; Arena arena = Arena.ofConfined()) {
            MemorySegment copy = arena.allocate(Pam.LONGEST_SECRET);
            MemorySegment.copy(MemorySegment.ofArray(secret), 0, copy, 0, secret.length);
            try {
                check("write", "a secret", Posix.write(to.intValue(), copy.address(), secret.length));
            } finally {
                copy.fill((byte) 0);
            }
        }
    }

    /** {@code pam [users=IDS] [tries=NUMBER] SERVICE}; without {@code users}, any user but root; without {@code tries}, any number of times. */
    record Rule(Optional<IdRange> users, int tries, String service) implements Operation.Rule<Authenticate> {
        private static Rule of(PolicyLine line) {
            line.options("users=", "tries=");
            String tries = line.option("tries=").orElse(Integer.toString(Integer.MAX_VALUE));
            if (line.option("tries=").isPresent() && !tries.matches("[1-9][0-9]?"))
                throw new IllegalArgumentException("expected 1 to 99 for tries, not " + tries);
            String service = line.next("a service of PAM");
            if (!service.matches(SERVICE))
                throw new IllegalArgumentException("expected the name of a service of PAM, not " + service);
            return new Rule(line.users("users="), Integer.parseInt(tries), service);
        }

        @Override
        public Verdict verdict(Authenticate request) {
            return request.service.equals(service) ? Verdict.ALLOWED : Verdict.NOT_CONCERNED;
        }

        /** Tells whether the name that PAM ended with is that of a user of the line. One whom only PAM knows is none of any range. */
        private boolean concerns(String name) throws ErrnoException {
            Optional<Long> uid = AccountDatabase.user(name).map(User::uid);
            return users.isPresent()
                    ? uid.isPresent() && users.get().contains(uid.get().intValue())
                    : !uid.equals(Optional.of(0L));
        }
    }

    private static Answer perform(Permit<Authenticate, Rule> permit) throws IOException {
        if (Os.current() != Os.LINUX)
            throw new IOException("authentication takes the PAM of Linux");
        // Counted before PAM is asked: many requests at once are no more tries than many in turn.
        if (permit.asker().tries() > permit.rule().tries)
            throw permit.refusal("the child has had its " + permit.rule().tries + " tries");
        long begun = System.nanoTime();
        Pam.Outcome outcome = permit.request().ask(permit);
        if (outcome.authenticated() && permit.rule().concerns(outcome.user())) {
            if (!outcome.allowed())
                throw new IOException("the account of " + outcome.user() + ": " + outcome.why());
            permit.asker().authenticated(outcome.user());
            return Answer.done(List.of(outcome.user()));
        }
        permit.asker().note("asked to " + permit.request() + ": "
                + (outcome.authenticated() ? "the user is none of the line's" : outcome.why()));
        for (long left; (left = begun + REFUSAL_TAKES - System.nanoTime()) > 0 && !permit.over().getAsBoolean();)
            LockSupport.parkNanos(left);
        return Answer.absent();
    }

    private Pam.Outcome ask(Permit<Authenticate, Rule> permit) throws IOException {
        @Nullable
        Fd socket = permit.asker().handed().get(SECRET);
        if (socket == null)
            throw new IOException("the socket with the secret did not arrive");
        if (!isName(user))
            return new Pam.Outcome(false, false, "", "no user has such a name");
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment secret = arena.allocate(Pam.LONGEST_SECRET);
            try {
                return Pam.authenticate(service, permit.host().pam(), user, secret.asSlice(0, receive(socket, secret)));
            } finally {
                secret.fill((byte) 0);
            }
        } catch (UnsupportedOperationException e) {
            throw new IOException(e.getMessage(), e);
        }
    }

    /** Reads what is there, without waiting: the child has sent it before the request. Anything but a socket is refused by the kernel. */
    private static int receive(Fd socket, MemorySegment secret) throws ClosedChannelException, ErrnoException {
        OpenDescriptor descriptor = OpenDescriptor.of(socket);
        int number = descriptor.enter();
        try {
            return check("recv", "a secret", RawSyscall.call(LinuxSyscalls.host().number("recvfrom"), number,
                    secret.address(), secret.byteSize(), Constants.MSG_DONTWAIT));
        } finally {
            descriptor.exit();
        }
    }
}
