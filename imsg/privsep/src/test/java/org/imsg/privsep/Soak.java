package org.imsg.privsep;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.imsg.Imsg;
import org.imsg.unix.Fd;
import org.imsg.unix.FdChannel;

/**
 * Eight children of all kinds that attack their parent, again after every restart, beside four that ask it for something every
 * few milliseconds and measure how long the answer takes: first without the attack, then during it. The argument is the length of
 * the attack in seconds.
 */
final class Soak implements Parent {
    static final int PING = 1, PONG = 2, ATTACK = 3, FILL = 4, FAIL = 5, STORM = 6, FINISH = 7, REPORT = 8, NOTHING = 9;
    private static final List<String> ATTACKS = List.of("ready", "bytes", "descriptors", "error", "log", "print",
            "garbage", "nonsense");
    private static final int HONEST = 4;
    private static final long EVERY_NANOS = TimeUnit.MILLISECONDS.toNanos(5);

    private final AtomicInteger ends = new AtomicInteger();
    private final AtomicInteger honestEnds = new AtomicInteger();
    private final CountDownLatch reports = new CountDownLatch(HONEST);

    public static void main(String... arguments) throws Exception {
        Privsep program = Privsep.program("soak").role("honest", Honest::new, role -> role.instances(HONEST));
        for (String attack : ATTACKS)
            program.role(attack, () -> new Hostile(attack), role -> role.restart().onViolation(attack.equals("nonsense")
                    ? OnViolation.DROP_MESSAGE
                    : OnViolation.KILL_CHILD));
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
            TimeUnit.SECONDS.sleep(Math.clamp(storm / 4, 1, 30));
            tell(self, "honest", STORM);
            Set<Peer> told = new HashSet<>();
            for (long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(storm); System.nanoTime() < end;) {
                for (String attack : ATTACKS)
                    for (Peer peer : self.peers(attack))
                        if (told.add(peer))
                            tell(peer, ATTACK);
                TimeUnit.MILLISECONDS.sleep(100);
            }
            tell(self, "honest", FINISH);
            if (!reports.await(30, TimeUnit.SECONDS))
                System.out.println("soak: reports are missing: " + reports.getCount());
            System.out.println("soak: ended " + ends + " honest " + honestEnds);
        } catch (Exception | Error e) {
            System.out.println("soak: " + e);
        } finally {
            self.stop();
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

        @Override
        public void start(RoleProcess self) {
            self.on(PONG, (_, pong) -> {
                long since = ByteBuffer.wrap(pong.payload()).getLong();
                if (since == 0)
                    report(self);
                else
                    now.add(System.nanoTime() - since);
            });
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
                    + (sent - quiet.size() - storm.size())).getBytes(UTF_8));
        }

        private static byte[] number(long value) {
            return ByteBuffer.allocate(8).putLong(value).array();
        }

        /** The 99th, in microseconds. */
        private static long percentile(List<Long> nanos) {
            return nanos.stream().sorted().skip(nanos.size() * 99L / 100).findFirst().orElse(-1L) / 1000;
        }
    }

    /** Does its worst when it is told. */
    private static final class Hostile implements Role {
        private final String attack;

        Hostile(String attack) {
            this.attack = attack;
        }

        @Override
        public void start(RoleProcess self) {
            self.on(ATTACK, (_, _) -> {
                Thread.ofPlatform().daemon().start(() -> attack(self));
                if (attack.equals("bytes") || attack.equals("descriptors"))
                    new CountDownLatch(1).await();
            });
            self.on(NOTHING, (_, _) -> {});
        }

        private void attack(RoleProcess self) {
            try (FdChannel parent = new FdChannel(Fd.of(3).dup())) {
                for (;;) {
                    switch (attack) {
                        case "ready" -> parent.write(header(Protocol.READY, 20, Protocol.VERSION));
                        case "garbage" -> parent.write(header(1, 3, 0));
                        case "bytes", "descriptors" -> self.parent().send(FILL, attack.getBytes(UTF_8));
                        case "error" -> self.parent().send(Imsg.of(FAIL));
                        case "log" -> self.log().log(System.Logger.Level.INFO, "\u0001".repeat(11_000));
                        case "print" -> System.out.println("\u001b[31m".repeat(1000));
                        default -> self.parent().send(Imsg.of(NOTHING));
                    }
                }
            } catch (IOException _) {
                // the parent has had enough
            }
        }

        private static ByteBuffer header(int type, int length, int payload) {
            return ByteBuffer.allocate(20).order(ByteOrder.nativeOrder()).putInt(type).putInt(length).putInt(0)
                    .putInt(0).putInt(payload).flip();
        }
    }
}
