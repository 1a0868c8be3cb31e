package org.imsg.privsep;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.imsg.Imsg;
import org.imsg.privsep.ops.Policy;
import org.imsg.privsep.ops.Program;
import org.imsg.privsep.ops.RunningProgram;
import org.imsg.privsep.rights.Ids;
import org.imsg.unix.Fd;
import org.imsg.unix.FdChannel;

/**
 * Eight hostile children, each with a user of its own and with another of a dozen attacks in every of its lives, beside four that
 * ask their parent for something every few milliseconds and measure how long the answer takes: first without the attacks, then
 * during them. The argument is the length of the attacks in seconds.
 */
final class Soak implements Parent {
    static final int PING = 1, PONG = 2, ATTACK = 3, FILL = 4, FAIL = 5, STORM = 6, FINISH = 7, REPORT = 8, NOTHING = 9,
            QUIET = 10;
    private static final List<String> ATTACKS = List.of("ready", "bytes", "descriptors", "error", "log", "print",
            "garbage", "nonsense", "half", "orphans", "requests", "unread", "blind");
    private static final int HONEST = 4;
    private static final int HOSTILE = 8;
    private static final int FIRST_USER = 64_920;
    /** A slow machine takes longer for so many. */
    private static final int FEWEST_ENDS = 10;
    /** Then the child ends, and another life has another attack. */
    private static final long ATTACK_NANOS = TimeUnit.SECONDS.toNanos(5);
    private static final long EVERY_NANOS = TimeUnit.MILLISECONDS.toNanos(5);

    private final AtomicInteger ends = new AtomicInteger();
    private final AtomicInteger honestEnds = new AtomicInteger();
    private final CountDownLatch reports = new CountDownLatch(HONEST);
    private final Map<String, Integer> tried = new TreeMap<>();

    public static void main(String... arguments) throws Exception {
        Privsep program = Privsep.program("soak").role("honest", Honest::new, role -> role.instances(HONEST));
        for (int i = 0; i < HOSTILE; i++) {
            Ids user = Ids.of(FIRST_USER + i, FIRST_USER + i);
            OnViolation violation = i == 0 ? OnViolation.DROP_MESSAGE : OnViolation.KILL_CHILD;
            program.role("hostile" + i, Hostile::new, role -> role.user(user).onViolation(violation)
                    .confine(with -> with.nice(10))
                    .restart(Duration.ofSeconds(1), Duration.ofSeconds(2))
                    .policy(Policy.of("open read /dev/null", "run users=64930-64933 /bin/sh -c *")));
        }
        System.exit(program.parent(Soak::new).run(arguments));
    }

    @Override
    public void start(ParentProcess self) {
        self.on(PING, (from, ping) -> from.send(Imsg.of(PONG, 0, 0, ping.payload())));
        self.on(FILL, (from, what) -> from.send(text(what).equals("descriptors")
                ? Imsg.of(NOTHING).withFd(Fd.open(Path.of("/dev/null")))
                : Imsg.of(NOTHING, 0, 0, new byte[16_000])));
        self.on(FAIL, (_, _) -> overflow(0));
        self.on(REPORT, (from, report) -> {
            System.out.println("soak: " + from + " " + text(report));
            reports.countDown();
        });
        Thread.ofPlatform().daemon().start(() -> direct(self));
    }

    private void direct(ParentProcess self) {
        try {
            long storm = Long.parseLong(self.arguments().getFirst());
            TimeUnit.SECONDS.sleep(Math.clamp(storm / 4, 1, 20));
            tell(self, "honest", QUIET);
            TimeUnit.SECONDS.sleep(Math.clamp(storm / 4, 1, 20));
            tell(self, "honest", STORM);
            Set<Peer> told = Set.of();
            int lives = 0;
            for (long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(storm); System.nanoTime() < end
                    || ends.get() < FEWEST_ENDS;) {
                Set<Peer> present = new HashSet<>();
                for (int i = 0; i < HOSTILE; i++)
                    for (Peer peer : self.peers("hostile" + i)) {
                        present.add(peer);
                        if (!told.contains(peer))
                            order(peer, ATTACKS.get((++lives * 5 + i) % ATTACKS.size()));
                    }
                told = present;
                TimeUnit.MILLISECONDS.sleep(100);
            }
            tell(self, "honest", FINISH);
            if (!reports.await(30, TimeUnit.SECONDS))
                System.out.println("soak: reports are missing: " + reports.getCount());
            System.out.println("soak: ended " + ends + " honest " + honestEnds + " attacks " + tried);
        } catch (Exception | Error e) {
            System.out.println("soak: " + e);
        } finally {
            self.stop();
        }
    }

    private void order(Peer peer, String attack) {
        tried.merge(attack, 1, Integer::sum);
        try {
            peer.send(Imsg.of(ATTACK, 0, 0, attack.getBytes(UTF_8)));
        } catch (IOException _) {
            // it has just been killed
        }
    }

    private static void tell(ParentProcess self, String role, int type) {
        self.peers(role).forEach(peer -> tell(peer, type));
    }

    private static void tell(Peer peer, int type) {
        try {
            peer.send(Imsg.of(type));
        } catch (IOException _) {
            // it has just been killed
        }
    }

    @Override
    public void finished(ParentProcess self, Finish child) {
        if (!child.stopping())
            (child.role().equals("honest") ? honestEnds : ends).incrementAndGet();
    }

    private static int overflow(int depth) {
        return overflow(depth + 1) + 1;
    }

    private static String text(Imsg message) {
        return message.getString(message.length());
    }

    /** Asks, and measures. */
    private static final class Honest implements Role {
        private final List<Long> quiet = new ArrayList<>();
        private final List<Long> storm = new ArrayList<>();
        private List<Long> now = quiet;
        private volatile boolean finished;
        private volatile int sent;
        private int answered;

        @Override
        public void start(RoleProcess self) {
            self.on(PONG, (_, pong) -> {
                long since = ByteBuffer.wrap(pong.payload()).getLong();
                if (since == 0)
                    report(self);
                else {
                    answered++;
                    now.add(System.nanoTime() - since);
                }
            });
            self.on(QUIET, (_, _) -> quiet.clear());
            self.on(STORM, (_, _) -> now = storm);
            self.on(FINISH, (_, _) -> finished = true);
            Thread.ofPlatform().daemon().start(() -> ask(self));
        }

        private void ask(RoleProcess self) {
            try {
                for (; !finished; TimeUnit.NANOSECONDS.sleep(EVERY_NANOS)) {
                    self.parent().send(PING, number(System.nanoTime()));
                    sent++;
                }
                self.parent().send(PING, number(0));
            } catch (IOException | InterruptedException _) {
                // the parent is gone, which the test sees
            }
        }

        private void report(RoleProcess self) throws IOException {
            self.parent().send(REPORT, ("quiet " + percentile(quiet) + " storm " + percentile(storm) + " lost "
                    + (sent - answered)).getBytes(UTF_8));
        }

        private static byte[] number(long value) {
            return ByteBuffer.allocate(8).putLong(value).array();
        }

        /** The 99th, in microseconds. */
        private static long percentile(List<Long> nanos) {
            return nanos.stream().sorted().skip(nanos.size() * 99L / 100).findFirst().orElse(-1L) / 1000;
        }
    }

    /** Does its worst as it is told. */
    private static final class Hostile implements Role {
        private Process left;

        @Override
        public void start(RoleProcess self) {
            self.on(ATTACK, (_, how) -> {
                String attack = text(how);
                Thread.ofPlatform().daemon().start(() -> attack(self, attack));
                if (attack.equals("bytes") || attack.equals("descriptors"))
                    new CountDownLatch(1).await();
            });
            self.on(NOTHING, (_, _) -> {});
        }

        private void attack(RoleProcess self, String attack) {
            // The number belongs to the library.
            Fd channel = Fd.of(3);
            try (FdChannel parent = new FdChannel(channel.dup())) {
                channel.release();
                for (long end = System.nanoTime() + ATTACK_NANOS;;) {
                    if (System.nanoTime() - end > 0)
                        Runtime.getRuntime().halt(6);
                    switch (attack) {
                        case "ready" -> parent.write(header(Protocol.READY, 20, Protocol.VERSION));
                        case "garbage" -> parent.write(header(1, 3, 0));
                        case "bytes", "descriptors" -> self.parent().send(FILL, attack.getBytes(UTF_8));
                        case "error" -> self.parent().send(Imsg.of(FAIL));
                        case "log" -> self.log().log(System.Logger.Level.INFO, "\u0001".repeat(11_000));
                        case "print" -> System.out.println("\u001b[31m".repeat(1000));
                        case "half" -> {
                            parent.write(header(1, 400, 0));
                            Runtime.getRuntime().halt(7);
                        }
                        case "orphans" -> leave();
                        case "requests" -> inFlight(self);
                        case "unread" -> unread(self);
                        case "blind" -> blindly();
                        default -> self.parent().send(Imsg.of(NOTHING));
                    }
                }
            } catch (IOException _) {
                // the parent has had enough
            }
        }

        /** Leaves processes that start others and print without end. */
        private void leave() throws IOException {
            left = new ProcessBuilder("/bin/sh", "-c",
                    "for i in 1 2 3 4; do setsid sh -c 'while :; do sleep 100 & sleep 0.2; echo x; done' & done")
                    .inheritIO().start();
            left.onExit().join();
            Runtime.getRuntime().halt(8);
        }

        /** Asks ten thousand times at once. */
        private static void inFlight(RoleProcess self) {
            try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
                for (int i = 0; i < 10_000; i++)
                    threads.submit(() -> {
                        self.privileged().within(Duration.ofSeconds(20)).open(Path.of("/dev/null")).close();
                        return null;
                    });
            }
        }

        /** Runs programs whose output it does not read, and that do not end. */
        private static void unread(RoleProcess self) throws IOException {
            Program flood = Program.of(Path.of("/bin/sh"), "-c", "sleep 1000 & while :; do echo x; done");
            try (RunningProgram _ = self.privileged().run(flood); RunningProgram _ = self.privileged().run(flood)) {
                Runtime.getRuntime().halt(9);
            }
        }

        /** Writes to whatever is open, and closes it. */
        private static void blindly() {
            for (int number = 3; number < 40; number++) {
                try (FdChannel guess = new FdChannel(Fd.of(number))) {
                    guess.write(ByteBuffer.allocate(100));
                } catch (IOException | RuntimeException _) {
                    // not open, or not to be written
                }
            }
        }

        private static ByteBuffer header(int type, int length, int payload) {
            return ByteBuffer.allocate(20).order(ByteOrder.nativeOrder()).putInt(type).putInt(length).putInt(0)
                    .putInt(0).putInt(payload).flip();
        }
    }
}
