package org.imsg.examples.master;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.file.StandardWatchEventKinds.ENTRY_CREATE;
import static java.nio.file.StandardWatchEventKinds.ENTRY_DELETE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.ConnectException;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.WatchKey;
import java.nio.file.WatchService;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentSkipListSet;
import java.util.concurrent.Future;
import java.util.concurrent.FutureTask;
import java.util.concurrent.Phaser;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.imsg.examples.Example;
import org.imsg.testing.NetworkNamespace;
import org.imsg.testing.ProcStatus;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The mail server, as its clients see it, its users in their mailboxes, and an attacker who can kill. */
@Timeout(180)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class MasterTest {
    private static final int SMTP = 25, SUBMISSION = 587, MOST_MILLIS = 30_000;
    private static final String TABLE = """
            # service   program   user   maxproc  max_use  max_idle  address
            listener    listener  64090  1        -        -         -
            smtp        smtpd     64091  2        20       60        127.0.0.1:25
            submission  smtpd     64092  1        2        60        127.0.0.1:587
            cleanup     cleanup   64093  1        50       60        -
            qmgr        qmgr      64094  1        -        -         -
            deliver     deliver   64095  1        20       60        -
            """;

    private Path directory;
    private Example server;
    /** Advances when the server listens again. */
    private final Phaser listening = new Phaser(1);

    @BeforeAll
    void start(@TempDir Path made) throws Exception {
        directory = made;
        NetworkNamespace network = Example.newNetwork();
        Path table = Files.writeString(directory.resolve("services"), TABLE);
        server = Example.start(network, directory, Master.class, table.toString(), spool("").toString(),
                mail().toString());
        server.program().awaitLine("listening");
    }

    @AfterAll
    void close() {
        if (server != null)
            server.close();
    }

    private Path spool(String part) {
        return directory.resolve("spool").resolve(part);
    }

    private Path mail() {
        return directory.resolve("mail");
    }

    /** A connection of a client, which was greeted. */
    private final class Client implements AutoCloseable {
        private final Socket socket;
        private final BufferedReader answers;

        Client(int port) throws Exception {
            socket = server.network().call(() -> new Socket("127.0.0.1", port));
            socket.setSoTimeout(MOST_MILLIS);
            answers = new BufferedReader(new InputStreamReader(socket.getInputStream(), ISO_8859_1));
        }

        String next() throws IOException {
            String line = answers.readLine();
            if (line == null)
                throw new IOException("the connection has ended");
            return line;
        }

        String says(String line) throws IOException {
            socket.getOutputStream().write((line + "\r\n").getBytes(ISO_8859_1));
            return next();
        }

        /** Whether the server says that it has the message. */
        boolean sends(String recipient, String text) throws IOException {
            return says("MAIL FROM:<test@here>").startsWith("250")
                    && says("RCPT TO:<" + recipient + ">").startsWith("250")
                    && says("DATA").startsWith("354") && says(text + "\r\n.").startsWith("250 queued as");
        }

        @Override
        public void close() throws IOException {
            socket.close();
        }
    }

    private Client client(int port) throws Exception {
        Client client = new Client(port);
        assertThat(client.next()).isEqualTo("220 ready");
        return client;
    }

    /** The texts in all mailboxes, each with the number of its copies. */
    private Map<String, Integer> delivered() throws IOException {
        Map<String, Integer> copies = new TreeMap<>();
        try (Stream<Path> files = Files.walk(mail())) {
            for (Path file : files.filter(file -> file.getParent().endsWith("new")).toList())
                copies.merge(Files.readString(file).strip(), 1, Integer::sum);
        }
        return copies;
    }

    /** Waits until the queue is empty. */
    private void awaitDelivery() throws Exception {
        for (String part : List.of("incoming", "decided"))
            await(spool(part), Set::isEmpty);
    }

    private static void await(Path directory, Predicate<Set<String>> wanted) throws Exception {
        try (WatchService changes = directory.getFileSystem().newWatchService()) {
            WatchKey key = directory.register(changes, ENTRY_CREATE,
                    ENTRY_DELETE);
            while (!wanted.test(names(directory))) {
                assertThat(changes.poll(60, TimeUnit.SECONDS)).as("a change in %s, which has %s", directory,
                        names(directory)).isNotNull();
                key.pollEvents();
                key.reset();
            }
        }
    }

    private static Set<String> names(Path directory) throws IOException {
        try (Stream<Path> files = Files.list(directory)) {
            Set<String> names = new TreeSet<>();
            files.forEach(file -> names.add(file.getFileName().toString()));
            return names;
        }
    }

    @Test
    @Order(3)
    void a_message_that_cannot_be_delivered_is_set_aside_at_once_if_it_never_can_be_and_else_when_its_time_is_over()
            throws Exception {
        Path obstacle = Files.createFile(mail().resolve("blocked"));
        Duration old = Duration.ofDays(6);
        queue("1a", "no user\nfor no user", Duration.ZERO);
        queue("1b", "blocked\nold", old);
        queue("1c", "blocked\nfrom a clock that was wrong", old.negated());
        queue("1d", "blocked\nnew", Duration.ZERO);
        queue("1e.1", "root\nno name of a message", Duration.ZERO);
        server.kill("qmgr"); // and the next one looks at once
        await(spool("undelivered"), names -> names.equals(Set.of("1a", "1b", "1c")));
        server.program().awaitLine("1d is tried again");
        Files.delete(obstacle);
        await(spool("incoming"), names -> names.equals(Set.of("1e.1")));
        await(spool("decided"), Set::isEmpty);
        assertThat(delivered()).containsEntry("new", 1);
        assertThat(server.program().said().stream().filter(line -> line.contains(" 1e is "))).isEmpty();
        for (String aside : List.of("1a", "1b", "1c"))
            assertThat(server.program().said()).filteredOn(line -> line.contains(" " + aside)).singleElement()
                    .asString()
                    .contains(" is set aside");
        Files.delete(spool("incoming").resolve("1e.1"));
    }

    /** As cleanup would, had it been some time ago. */
    private void queue(String name, String text, Duration age) throws IOException {
        Path file = Files.writeString(spool("unfinished").resolve(name), text + "\n");
        Files.setAttribute(file, "unix:uid", 64093);
        Files.setAttribute(file, "unix:mode", 0640);
        Files.setLastModifiedTime(file, FileTime.from(Instant.now().minus(age)));
        Files.move(file, spool("incoming").resolve(name));
    }

    /** The last: services that were killed take their time to come back. */
    @Test
    @Order(4)
    void a_message_that_was_acknowledged_is_delivered_once_whoever_is_killed_while_it_is_on_its_way() throws Exception {
        Set<String> acknowledged = new ConcurrentSkipListSet<>();
        Set<String> sent = new ConcurrentSkipListSet<>(delivered().keySet());
        AtomicBoolean enough = new AtomicBoolean();
        List<Future<?>> senders = new ArrayList<>();
        for (String recipient : List.of("root", "daemon")) {
            FutureTask<Void> sender = new FutureTask<>(() -> {
                for (int i = 0; !enough.get(); i++)
                    send(recipient, recipient + " " + i, sent, acknowledged);
                return null;
            });
            Thread.ofPlatform().daemon().start(sender);
            senders.add(sender);
        }
        try {
            awaitCreation(spool("incoming"));
            for (Path moment : List.of(spool("incoming"), spool("decided"), mail().resolve("root/new"))) {
                int before = acknowledged.size();
                awaitCreation(moment);
                server.program().children().forEach(ProcessHandle::destroyForcibly);
                server.program().awaitLine("listening");
                listening.arrive();
                while (acknowledged.size() < before + 3)
                    awaitCreation(spool("incoming"));
            }
        } finally {
            enough.set(true);
        }
        for (Future<?> sender : senders)
            sender.get(60, TimeUnit.SECONDS);
        awaitDelivery();
        Map<String, Integer> delivered = delivered();
        assertThat(delivered.keySet()).containsAll(acknowledged);
        assertThat(delivered.values()).as("copies").containsOnly(1);
        assertThat(sent).containsAll(delivered.keySet());
        for (String recipient : names(mail()))
            assertThat(names(mail().resolve(recipient).resolve("tmp"))).as("left by attempts").isEmpty();
    }

    /** A message is not sent again under the same text: whether it was queued, its sender does not know. */
    private void send(String recipient, String text, Set<String> sent, Set<String> acknowledged) throws Exception {
        int phase = listening.getPhase();
        try (Client client = new Client(SMTP)) {
            client.next();
            sent.add(text);
            if (client.sends(recipient, text))
                acknowledged.add(text);
        } catch (ConnectException _) {
            listening.awaitAdvanceInterruptibly(phase, 40, TimeUnit.SECONDS);
        } catch (IOException _) {
            // The process was killed that served this connection.
        }
    }

    private static void awaitCreation(Path directory) throws Exception {
        try (WatchService changes = directory.getFileSystem().newWatchService()) {
            directory.register(changes, ENTRY_CREATE);
            assertThat(changes.poll(60, TimeUnit.SECONDS)).as("a new file in %s", directory).isNotNull();
        }
    }

    @Test
    @Order(1)
    void a_role_has_its_user_its_root_and_its_directories_and_no_right() throws Exception {
        try (Client client = client(SMTP)) {
            assertThat(client.sends("root", "hello")).isTrue();
            awaitDelivery();
            assertThat(delivered()).isEqualTo(Map.of("hello", 1));
            ProcStatus parent = server.program().parent();
            ProcStatus listener = server.assertConfined("listener", 64090);
            awaitHoldings(listener, "tcp 127.0.0.1:25", "tcp 127.0.0.1:587",
                    "unix stream");
            ProcStatus smtpd = serving("smtp");
            assertThat(smtpd.rights()).isEqualTo(ProcStatus.withoutRights(64091));
            assertThat(smtpd.root()).isEqualTo(spool("empty").toRealPath().toString());
            assertThat(smtpd.inRoot("")).isEmpty();
            Map<String, Integer> users = Map.of("cleanup", 64093, "qmgr", 64094, "deliver", 64095);
            for (Map.Entry<String, Integer> role : users.entrySet()) {
                ProcStatus process = server.assertConfined(role.getKey(), role.getValue());
                assertThat(process.root()).isEqualTo(
                        (role.getKey().equals("deliver") ? mail() : spool("")).toRealPath().toString());
                assertThat(process.namespacesApartFrom(parent)).containsExactly("ipc", "net");
                awaitHoldings(process, "unix stream");
            }
        }
        assertThat(Files.getAttribute(spool("incoming"), "unix:mode")).isEqualTo(042770);
        assertThat(Files.getAttribute(mail(), "unix:mode")).as("mail is not for every user to read").isEqualTo(040700);
    }

    /** What a process has open, each thing once: it has a channel to each process it speaks with. */
    private Set<String> kinds(ProcStatus process) throws IOException {
        return new TreeSet<>(process.holdings(server.program().parent()));
    }

    /** Spares come and go meanwhile, and with them channels, which are no socket in the list for a moment. */
    private void awaitHoldings(ProcStatus process, String... wanted) throws IOException {
        Set<String> kinds = kinds(process);
        for (long start = System.nanoTime(); !kinds.equals(Set.of(wanted)); kinds = kinds(process))
            assertThat(System.nanoTime() - start).as("%s has %s", process, kinds).isLessThan(20_000_000_000L);
    }

    /** The process of a service that has a connection over TCP. */
    private ProcStatus serving(String service) {
        for (ProcessHandle child : server.program().children()) {
            ProcStatus status = ProcStatus.of(child.pid());
            try {
                if (status.environment("IMSG_ROLE").equals(service)
                        && kinds(status).stream().anyMatch(thing -> thing.startsWith("tcp")))
                    return status;
            } catch (IOException _) {
                // It has ended meanwhile.
            }
        }
        throw new AssertionError("no process of " + service + " has a connection");
    }

    @Test
    @Order(2)
    void a_service_has_as_many_processes_as_its_line_says_each_for_as_many_connections() throws Exception {
        String one;
        try (Client waiting = waitingWhileAnotherIsServed()) {
            assertThat(waiting.next()).as("when the other has gone").isEqualTo("220 ready");
            one = serving("submission").toString();
            assertThat(waiting.says("RCPT TO:<no-such-user>")).isEqualTo("550 no such user");
        }
        try (Client third = client(SUBMISSION)) {
            assertThat(third.says("NOOP")).isEqualTo("250 ok");
            assertThat(serving("submission")).as("it has served two").doesNotHaveToString(one);
        }
    }

    /** There may be one process of the service, which serves two connections. */
    private Client waitingWhileAnotherIsServed() throws Exception {
        try (Client client = client(SUBMISSION)) {
            Client waiting = new Client(SUBMISSION);
            waiting.socket.setSoTimeout(300);
            assertThatExceptionOfType(SocketTimeoutException.class).isThrownBy(waiting::next);
            waiting.socket.setSoTimeout(MOST_MILLIS);
            assertThat(client.says("NOOP")).isEqualTo("250 ok");
            return waiting;
        }
    }
}
