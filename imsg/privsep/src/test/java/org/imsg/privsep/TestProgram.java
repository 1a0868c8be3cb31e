package org.imsg.privsep;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.imsg.Imsg;
import org.imsg.ImsgChannel;
import org.imsg.privsep.ops.Policy;
import org.imsg.privsep.ops.Program;
import org.imsg.privsep.ops.RunningProgram;
import org.imsg.privsep.rights.Access;
import org.imsg.privsep.rights.GroupLimits;
import org.imsg.privsep.rights.Namespace;
import org.imsg.privsep.rights.Ids;
import org.imsg.privsep.rights.Promise;
import org.imsg.privsep.rights.Resource;
import org.imsg.unix.ErrnoException;
import org.imsg.unix.Fd;
import org.imsg.unix.FdChannel;

/** The children of the tests: one program of many roles, of which a test names those it wants. */
final class TestProgram {
    static final int SAY = 1, SAID = 2, DO = 3, ASK = 4, ANSWER = 5, UNHANDLED = 6, NUMBER = 7, FILL = 8, FAIL = 9;

    /** What a finisher's finish program does, in the parent. */
    static final String FINISH = "imsg.test.finish";

    private TestProgram() {}

    /** A program of roles given as {@code name*instances>connected,to} or {@code name=policy}; children find the same in their first argument. */
    static Privsep program(String roles) {
        Privsep program = Privsep.program("testprogram");
        if (roles.startsWith("!"))
            program.requireConfinement();
        for (String role : roles.replace("!", "").split(" ")) {
            String[] governed = role.split("=");
            String[] connected = governed[0].split(">");
            String[] counted = connected[0].split("\\*");
            program.role(counted[0], Actor::new, r -> governed.length > 1
                    ? r.policy(Path.of(governed[1]))
                    : settings(r, counted, connected));
        }
        return program;
    }

    /** As code in a language without checked exceptions may. */
    @SuppressWarnings("unchecked")
    private static <E extends Exception> Object fail(Exception what) throws E {
        throw (E) what;
    }

    private static RoleSettings settings(RoleSettings role, String[] counted, String[] connected) {
        if (counted.length > 1)
            role.instances(Integer.parseInt(counted[1]));
        if (connected.length > 1)
            role.connect(connected[1].split(","));
        switch (counted[0]) {
            case "pledged" -> role.user("nobody").pledge();
            case "starved-clerk" -> role.user("nobody").pledge().limit(Resource.NOFILE, 5);
            case "veiled" -> role.user("nobody").unveil("/etc/hostname", Access.READ);
            case "jailed" -> role.user("nobody").chroot(Path.of("/srv")).pledge(Promise.RPATH);
            case "leaver" -> role.user(Ids.of(64006, 64006));
            case "rooted" -> role.chroot(Path.of("/srv"));
            case "bound" -> role.confine(c -> c.namespaces(Namespace.UTS)).confine(c -> c.boundingSet());
            case "shared" -> role.inheritStreams();
            case "limited" -> role.limit(GroupLimits.none().memory(1L << 30));
            case "stranger" -> role.user("no-such-user");
            default -> {
                // keeps its rights
            }
        }
        if (counted[0].endsWith("clerk"))
            role.policy(Policy.of("user 65534:65534", "open read /etc/shadow", "run user=64010 /bin/sh -c *"));
        if (counted[0].startsWith("again"))
            role.restart(Duration.ofSeconds(1), Duration.ofSeconds(1));
        if (counted[0].startsWith("finisher"))
            role.restart().finish(Path.of("/bin/sh"), "-c", System.getProperty(FINISH, ""), "sh");
        if (counted[0].endsWith("fresh"))
            role.reexecuteOnReload();
        if (counted[0].equals("moody"))
            role.reexecuteOnReload(() -> TestProgram.<RuntimeException>fail(new Exception("as told")));
        if (counted[0].startsWith("hostile"))
            role.restart().onViolation(counted[0].contains("dropped")
                    ? OnViolation.DROP_CHILD
                    : counted[0].endsWith("tolerated") ? OnViolation.DROP_MESSAGE : OnViolation.KILL_CHILD);
        return role;
    }

    /** A parent of its own, for tests that kill it or read its log. */
    public static void main(String... arguments) throws Exception {
        System.exit(program(arguments[0]).parent(Narrator::new).run(arguments));
    }

    /** Prints what children say, and does what its arguments say: {@code child number what}. */
    static final class Narrator implements Parent {
        @Override
        public void start(ParentProcess self) throws Exception {
            self.on(SAY, (from, text) -> System.out.println(from + " " + text(text)));
            for (int i = 1; i + 2 < self.arguments().size(); i += 3)
                self.peer(self.arguments().get(i), Integer.parseInt(self.arguments().get(i + 1)))
                        .send(Imsg.of(DO, self.arguments().get(i + 2)));
            System.out.println("started");
        }

        @Override
        public void reload(ParentProcess self) {
            System.out.println("parent reload");
        }

        @Override
        public void finished(ParentProcess self, Finish child) {
            System.out.println("finished " + child);
        }
    }

    static String text(Imsg message) {
        return message.getString(message.length());
    }

    /** Says to the parent what happens to it, and does what it is told. */
    static final class Actor implements Role {
        private RoleProcess self;
        private long prepared;
        private boolean refusesToStop;

        @Override
        public void prepare(RoleProcess process) throws Exception {
            if (process.role().equals("unprepared"))
                throw new IOException("no configuration", new IOException("/etc/unprepared.conf does not exist"));
            if (process.role().equals("hostile-early-tolerated"))
                process.parent().send(Imsg.of(SAY, "too early"));
            prepared = System.nanoTime();
        }

        @Override
        public void start(RoleProcess process) throws Exception {
            self = process;
            long started = System.nanoTime();
            self.on(Peer.PARENT, DO, (_, order) -> obey(text(order)));
            self.on(ASK, (from, question) -> from.send(Imsg.of(ANSWER, question.id(), 0,
                    (self + " to " + from + ": " + text(question)).getBytes(UTF_8))));
            self.on(ANSWER, (_, answer) -> say("heard " + text(answer)));
            say("started " + prepared + " " + started + " pid " + ProcessHandle.current().pid());
        }

        @Override
        public void connected(RoleProcess process, Peer peer) throws Exception {
            say("connected " + peer);
        }

        @Override
        public void disconnected(RoleProcess process, Peer peer) throws Exception {
            say("disconnected " + peer);
        }

        @Override
        public void reload(RoleProcess process) throws Exception {
            say("reload");
        }

        @Override
        public void stop(RoleProcess process) throws Exception {
            if (refusesToStop)
                forever();
        }

        private void say(String text) throws IOException {
            self.parent().send(Imsg.of(SAY, text));
        }

        private static void forever() throws InterruptedException {
            new CountDownLatch(1).await();
        }

        private void obey(String order) throws Exception {
            String[] words = order.split(" ");
            switch (words[0]) {
                case "exit" -> System.exit(Integer.parseInt(words[1]));
                case "throw" -> throw new IllegalStateException("as told");
                case "ask" -> {
                    for (Peer peer : self.peers(words[1]))
                        peer.send(Imsg.of(ASK, 5, 12345, "how are you".getBytes(UTF_8)));
                }
                case "log" -> {
                    System.Logger log = Privsep.logger("some.where");
                    log.log(System.Logger.Level.WARNING, "a {0} record\nwith a forged line\u001b[31m", "relayed");
                    log.log(System.Logger.Level.ERROR, "and a thrown", new IOException("the cause"));
                    say("logged");
                }
                case "hang" -> {
                    say("hanging");
                    forever();
                }
                case "refuse-stop" -> {
                    refusesToStop = true;
                    say("refusing");
                }
                case "refuse-term" -> {
                    refusesToStop = true;
                    CountDownLatch never = new CountDownLatch(1);
                    Runtime.getRuntime().addShutdownHook(new Thread(() -> {
                        for (;;) {
                            try {
                                never.await();
                            } catch (InterruptedException _) {
                                // not that either
                            }
                        }
                    }));
                    say("refusing");
                }
                case "open" -> {
                    try (var _ = Files.newInputStream(Path.of(words[1]))) {
                        say("opened " + words[1]);
                    } catch (IOException e) {
                        say("refused " + e);
                    }
                }
                case "request" -> {
                    try (FdChannel file = new FdChannel(self.privileged().open(Path.of(words[1])))) {
                        int read = file.read(ByteBuffer.allocate(1 << 16));
                        say("was passed " + words[1] + " with " + read + " bytes");
                    } catch (IOException | IllegalStateException e) {
                        say("was refused: " + e);
                    }
                }
                case "leave" -> {
                    Process shell = new ProcessBuilder("/bin/sh", "-c", "setsid sleep 1000 > /dev/null & echo $!")
                            .start();
                    say("left " + new String(shell.getInputStream().readAllBytes()).strip());
                }
                case "run" -> {
                    RunningProgram program = self.privileged().run(Program.of(Path.of("/bin/sh"), "-c", "read x"));
                    KEPT.add(program);
                    say("runs " + program.pid());
                }
                case "garble" -> say("garbled " + garble(ByteBuffer.allocate(16)));
                case "pester" -> {
                    ByteBuffer headers = ByteBuffer.allocate(64).order(java.nio.ByteOrder.nativeOrder());
                    while (headers.hasRemaining())
                        headers.putInt(-1).putInt(16).putLong(0);
                    say("pestered " + garble(headers.flip()));
                }
                case "hoard" -> {
                    Fd.Pair pipe = Fd.pipe();
                    KEPT.add(pipe);
                    try {
                        for (;;)
                            HOARD.add(pipe.first().dup());
                    } catch (ErrnoException e) {
                        say("hoards until " + e.name());
                    }
                }
                case "yield" -> {
                    HOARD.forEach(Fd::close);
                    HOARD.clear();
                }
                case "census" -> say("counts " + self.peers(self.role()).size());
                case "look" -> look();
                case "raw" -> raw(order.substring(4));
                case "unhandled" -> self.parent().send(Imsg.of(UNHANDLED));
                case "insist" -> {
                    self.parent().send(Imsg.of(UNHANDLED));
                    say("still here");
                }
                case "order" -> self.peer(words[1]).send(Imsg.of(DO, "exit 1"));
                case "nonsense" -> {
                    for (int i = words.length > 2 ? Integer.parseInt(words[2]) : 1; i > 0; i--)
                        self.peer(words[1]).send(Imsg.of(UNHANDLED));
                    say("sent nonsense");
                }
                case "forge" -> self.peer(words[1]).connection().send(Imsg.of(Integer.parseInt(words[2])));
                case "short" -> self.parent().send(NUMBER, new byte[2]);
                case "fail" -> self.parent().send(Imsg.of(FAIL, words[1]));
                case "deaf" -> {
                    for (int i = 0; i < 2000; i++)
                        self.parent().send(Imsg.of(FILL, words[1]));
                    forever();
                }
                case "log-flood" -> {
                    for (int i = 0; i < 3000; i++)
                        self.log().log(System.Logger.Level.INFO, "\u0001".repeat(11_000));
                    say("logged");
                }
                case "print-flood" -> {
                    for (int i = 0; i < 20_000; i++)
                        System.out.println("\u0001".repeat(1000));
                    System.out.print("x".repeat(1_000_000));
                    System.out.flush();
                    say("printed");
                }
                case "print" -> {
                    System.out.println("a line\u001b[31m\nWARNING other[0]: forged");
                    System.err.println("an error");
                    System.err.print("a line that does not end");
                    System.err.flush();
                    say("printed");
                }
                case "truncate" -> {
                    try {
                        new FileOutputStream(FileDescriptor.err).getChannel().truncate(0);
                        say("truncated");
                    } catch (IOException e) {
                        say("has nothing to truncate: " + e.getMessage());
                    }
                }
                case "output" -> say("writes " + target(Path.of("/proc/self/fd/1")));
                case "streams" -> say("reads " + System.in.read() + " from " + target(Path.of("/proc/self/fd/0"))
                        + " writes " + target(Path.of("/proc/self/fd/1")) + " " + target(Path.of("/proc/self/fd/2")));
                case "flood" -> flood(Integer.parseInt(words[1]));
                default -> throw new IllegalArgumentException(order);
            }
        }

        /** Writes bytes to every socket but the channel to the parent, of which there are two: to the monitor's. */
        private static int garble(ByteBuffer bytes) throws IOException {
            String parent = target(Path.of("/proc/self/fd/3"));
            int garbled = 0;
            for (int number = 4; number < 100; number++) {
                Path link = Path.of("/proc/self/fd/" + number);
                if (!target(link).startsWith("socket:") || target(link).equals(parent))
                    continue;
                FdChannel socket = new FdChannel(Fd.of(number));
                socket.write(bytes.duplicate());
                KEPT.add(socket);
                garbled++;
            }
            return garbled;
        }

        private void look() throws IOException {
            String stat = Files.readString(Path.of("/proc/self/stat"));
            String[] fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ");
            try (Stream<Path> open = Files.list(Path.of("/proc/self/fd"))) {
                String sockets = open.map(Actor::target).filter(target -> target.startsWith("socket:"))
                        .distinct().collect(Collectors.joining(","));
                say("pid " + ProcessHandle.current().pid() + " session " + fields[3] + " sockets " + sockets
                        + " environment " + String.join(",", new java.util.TreeSet<>(System.getenv().keySet())));
            }
        }

        private static String target(Path link) {
            try {
                return Files.readSymbolicLink(link).toString();
            } catch (IOException _) {
                return "";
            }
        }

        /** Writes bytes to descriptor 3, behind the framework's back: numbers in the machine's order, 32 bits each. */
        private static void raw(String numbers) throws IOException {
            String[] words = numbers.split(" ");
            ByteBuffer bytes = ByteBuffer.allocate(4 * words.length).order(java.nio.ByteOrder.nativeOrder());
            for (String word : words)
                bytes.putInt(Integer.parseInt(word));
            Fd socket = Fd.of(3);
            FdChannel channel = new FdChannel(socket);
            channel.write(bytes.flip());
            // Not closed: it is the channel's.
            KEPT.add(channel);
        }

        private static final List<Object> KEPT = new ArrayList<>();
        private static final List<Fd> HOARD = new ArrayList<>();

        /** Descriptors with messages nobody wants. */
        private void flood(int count) throws IOException {
            try (Fd file = Fd.open(Path.of("/dev/null"))) {
                for (int sent = 0; sent < count;) {
                    try (Imsg message = Imsg.of(SAY, "flood").withFd(file.dup())) {
                        self.parent().send(message);
                        sent++;
                    } catch (PeerQueueFullException _) {
                        Thread.yield(); // until the parent has read some
                    }
                }
            }
            say("flooded " + ImsgChannel.HEADER_SIZE);
        }
    }
}
