package org.imsg.privsep.ops;

import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.locks.Lock;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;
import java.util.function.IntConsumer;
import org.imsg.unix.Child;

/** Permits of a policy for tests that perform an operation themselves, without a session. */
final class Permits {
    static final Host HOST = new Host(Beneath.best(), new NameFiles(Path.of("/etc")), "", SystemClock.host(),
            (program, confinement) -> confinement.spawn(program), new UserPool(), Optional.empty(),
            Thread.ofPlatform().daemon().factory());
    private static final Permit.Asker NOBODY = new Permit.Asker() {
        @Override
        public void send(Answer answer) {
            answer.close();
        }

        @Override
        public void signals(IntConsumer receiver) {}

        @Override
        public Lock starting() {
            return new ReentrantLock();
        }

        @Override
        public void note(String text) {}
    };

    private Permits() {}

    /** The permit for a request of the operation whose rule the policy has. */
    @SuppressWarnings("unchecked")
    static <Q extends Operation.Request, R> Permit<Q, R> of(Policy policy, Q request, BooleanSupplier over)
            throws RefusedException {
        Policy.Line line = policy.allowing(request);
        return new Permit<>(request, (R) line.rule(), line.origin(), HOST, NOBODY, Duration.ZERO,
                System.nanoTime() + Duration.ofMinutes(1).toNanos(), over);
    }

    /** Starts a program that is another user for good. */
    static Child start(Child.Builder program, long uid, long gid) throws java.io.IOException {
        return HOST.launcher().start(program, org.imsg.privsep.rights.Confinement.none()
                .to(org.imsg.privsep.rights.Ids.of(uid, gid)).boundingSet());
    }
}
