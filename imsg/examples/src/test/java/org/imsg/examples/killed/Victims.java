package org.imsg.examples.killed;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.imsg.examples.buildrunner.BuildRunner;
import org.imsg.examples.clock.NtpClient;
import org.imsg.examples.clock.TimeServer;
import org.imsg.examples.dhcp.DhcpClient;
import org.imsg.examples.hello.Hello;
import org.imsg.examples.login.LoginServer;
import org.imsg.examples.master.Master;
import org.imsg.examples.packets.PacketReader;
import org.imsg.examples.relayd.Relayd;
import org.imsg.examples.syslog.Syslogd;
import org.imsg.examples.web.WebServer;
import org.imsg.testing.NetworkNamespace;

/** The examples, each with a client. */
enum Victims {
    HELLO {
        @Override
        Victim in(Path directory) throws Exception {
            return new Short(directory, Hello.class, List.of(), "hello parent from child");
        }
    },
    RELAYD {
        @Override
        Victim in(Path directory) throws Exception {
            return new Short(directory, Relayd.class, List.of("127.0.0.1"), "]: 127.0.0.1");
        }
    },
    WEB {
        @Override
        Victim in(Path directory) throws Exception {
            return new Web(directory);
        }
    },
    SYSLOG {
        @Override
        Victim in(Path directory) throws Exception {
            return new Syslog(directory);
        }
    },
    CLOCK {
        @Override
        Victim in(Path directory) throws Exception {
            return new Clock(directory);
        }
    },
    PACKETS {
        @Override
        Victim in(Path directory) throws Exception {
            return new Packets(directory);
        }
    },
    LOGIN {
        @Override
        Victim in(Path directory) throws Exception {
            return new Login(directory);
        }
    },
    DHCP {
        @Override
        Victim in(Path directory) throws Exception {
            return new Dhcp(directory);
        }
    },
    BUILD_RUNNER {
        @Override
        Victim in(Path directory) throws Exception {
            return new Builds(directory);
        }
    },
    MASTER {
        @Override
        Victim in(Path directory) throws Exception {
            return new Mail(directory);
        }
    };

    /** No line begins with it. */
    private static final String TO_THE_END = "\0";
    private static final Duration SHORTLY = Duration.ofSeconds(2);

    abstract Victim in(Path directory) throws Exception;

    /** Ends by itself when it has said what it has to say. */
    private static final class Short extends Victim {
        private final List<String> arguments;
        private final String line;

        Short(Path directory, Class<?> main, List<String> arguments, String line) throws Exception {
            super(directory, main);
            this.arguments = arguments;
            this.line = line;
        }

        @Override
        List<String> arguments() {
            return arguments;
        }

        @Override
        Set<Integer> users() {
            return Set.of();
        }

        @Override
        boolean isAnswered(int number) throws Exception {
            return program.prints(line, SHORTLY);
        }
    }

    private static final class Web extends Victim {
        private static final String TEXT = "hello".repeat(2000) + "\n";
        private final Path site;

        Web(Path directory) throws Exception {
            super(directory, WebServer.class);
            site = Files.createDirectory(directory.resolve("site"));
            Files.setPosixFilePermissions(site, PosixFilePermissions.fromString("rwxr-xr-x"));
            Files.writeString(site.resolve("hello"), TEXT);
        }

        @Override
        boolean needsMore() {
            return true;
        }

        @Override
        List<String> arguments() {
            return List.of("80", site.toString(), "64970");
        }

        @Override
        Set<Integer> users() {
            return Set.of(64970);
        }

        @Override
        boolean isAnswered(int number) throws Exception {
            String answer = answer(80, "GET /hello HTTP/1.0\r\n\r\n", TO_THE_END);
            return answer.startsWith("HTTP/1.1 200") && answer.endsWith("\r\n\r\n" + TEXT);
        }
    }

    private static final class Syslog extends Victim {
        private final Set<Integer> written = new HashSet<>();

        Syslog(Path directory) throws Exception {
            super(directory, Syslogd.class);
        }

        @Override
        List<String> arguments() {
            return List.of(directory.resolve("log").toString(), "127.0.0.1", "514", disk.toString(), "64971");
        }

        @Override
        Set<Integer> users() {
            return Set.of(64971);
        }

        @Override
        boolean isAnswered(int number) throws Exception {
            say(this, 514, "<13>number " + number + ".");
            boolean there = contains(disk.resolve("messages"), " user.notice number " + number + ".\n");
            if (there)
                written.add(number);
            return there;
        }

        @Override
        void check() throws IOException {
            List<String> lines = Files.readAllLines(disk.resolve("messages"));
            assertThat(lines.stream().filter(line -> line.matches("[-\\dT:]{19}Z user\\.notice number \\d+\\."))
                    .map(line -> Integer.valueOf(line.replaceAll(".*number |\\.$", "")))).containsAll(written);
        }
    }

    /** Sends a datagram, with what stands before the text as it is. */
    private static void say(Victim victim, int port, String text) throws Exception {
        victim.network.call(() -> {
            try (DatagramSocket client = new DatagramSocket()) {
                byte[] bytes = text.getBytes(StandardCharsets.ISO_8859_1);
                client.send(new DatagramPacket(bytes, bytes.length, new InetSocketAddress("127.0.0.1", port)));
            }
            return null;
        });
    }

    /** Whether a file has a text in it shortly. */
    private static boolean contains(Path file, String text) throws IOException {
        for (long end = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(300); System.nanoTime() < end;) {
            if (Files.exists(file) && Files.readString(file).contains(text))
                return true;
            LockSupport.parkNanos(1_000_000);
        }
        return false;
    }

    private static final class Clock extends Victim {
        private final TimeServer server;
        private long hungUp;

        Clock(Path directory) throws Exception {
            super(directory, NtpClient.class);
            server = network.call(TimeServer::new);
        }

        @Override
        List<String> arguments() {
            return List.of("record", "localhost", Integer.toString(TimeServer.PORT), "64972", "64973");
        }

        @Override
        Set<Integer> users() {
            return Set.of(64972, 64973);
        }

        /** The first question is asked without being told to. */
        @Override
        boolean isAnswered(int number) throws Exception {
            try {
                if (hungUp == program.process().pid())
                    program.signal("HUP");
            } catch (IOException _) {
                return false; // It has just ended.
            }
            if (!program.prints("changed by", SHORTLY))
                return false;
            hungUp = program.process().pid();
            return true;
        }

        @Override
        void end() throws Exception {
            server.close();
            super.end();
        }
    }

    private static final class Packets extends Victim {
        private final Path names;

        Packets(Path directory) throws Exception {
            super(directory, PacketReader.class);
            names = Files.createDirectory(directory.resolve("names"));
        }

        @Override
        List<String> arguments() {
            return List.of("network", disk.resolve("output").toString(), names.toString(), "64974");
        }

        @Override
        Set<Integer> users() {
            return Set.of(64974);
        }

        @Override
        boolean isAnswered(int number) throws Exception {
            int port = 10_000 + number % 50_000;
            say(this, port, "a packet");
            return contains(disk.resolve("output"), "." + port + ": udp, 50 bytes\n");
        }
    }

    private static final class Login extends Victim {
        private static final String USER = "imsg-kill-test";
        private static final Path SERVICE = Path.of("/etc/pam.d/imsg-kill-test");

        Login(Path directory) throws Exception {
            super(directory, LoginServer.class);
            assumeTrue(Files.isDirectory(SERVICE.getParent()), "there is no Linux-PAM");
            Files.createDirectory(directory.resolve("empty"));
            Files.write(SERVICE, List.of("auth required pam_unix.so", "account required pam_unix.so"));
            ran("", "useradd", "--uid", "64977", "--no-create-home", "--shell", "/bin/sh", USER);
            ran(USER + ":sesame 1\n", "chpasswd");
        }

        @Override
        List<String> arguments() {
            return List.of("2222", SERVICE.getFileName().toString(), directory.resolve("empty").toString(), "64975");
        }

        @Override
        Set<Integer> users() {
            return Set.of(64975, 64976, 64977);
        }

        @Override
        boolean isAnswered(int number) throws Exception {
            return answer(2222, "login " + USER + "\npassword sesame 1\nrun echo " + number + "; exit 3\n", "exit")
                    .equals("welcome\n" + number + "\nexit 3\n");
        }

        @Override
        void end() throws Exception {
            Files.deleteIfExists(SERVICE);
            ran("", "userdel", USER);
            super.end();
        }
    }

    private static final class Dhcp extends Victim {
        private final NetworkNamespace others = new NetworkNamespace();
        private final Process udhcpd;

        Dhcp(Path directory) throws Exception {
            super(directory, DhcpClient.class);
            assumeTrue(Files.isExecutable(Path.of("/usr/sbin/udhcpd")), "there is no /usr/sbin/udhcpd");
            String thread = others.call(() -> Files.readSymbolicLink(Path.of("/proc/thread-self"))).getFileName()
                    .toString();
            network.call(() -> {
                ran("", "ip", "link", "add", "v0", "type", "veth", "peer", "name", "v1");
                ran("", "ip", "link", "set", "v1", "netns", thread);
                return null;
            });
            Path settings = Files.write(directory.resolve("udhcpd.conf"), List.of("start 192.0.2.100",
                    "end 192.0.2.200", "interface v1", "lease_file " + Files.createFile(directory.resolve("leases")),
                    "pidfile " + directory.resolve("udhcpd.pid"), "min_lease 10", "option subnet 255.255.255.0",
                    "option router 192.0.2.1", "option dns 192.0.2.53", "option lease 10"));
            udhcpd = others.call(() -> {
                ran("", "ip", "address", "add", "192.0.2.1/24", "dev", "v1");
                ran("", "ip", "link", "set", "v1", "up");
                return new ProcessBuilder("/usr/sbin/udhcpd", "-f", settings.toString())
                        .redirectInput(Path.of("/dev/null").toFile()).redirectErrorStream(true)
                        .redirectOutput(directory.resolve("udhcpd.log").toFile()).start();
            });
        }

        @Override
        List<String> arguments() {
            return List.of("v0", directory.resolve("resolv.conf").toString(), "64978");
        }

        @Override
        Set<Integer> users() {
            return Set.of(64978);
        }

        @Override
        boolean isAnswered(int number) throws Exception {
            return program.prints("bound to 192.0.2.", SHORTLY);
        }

        @Override
        void end() throws Exception {
            udhcpd.destroy();
            udhcpd.waitFor();
            others.close();
            super.end();
        }
    }

    private static final class Builds extends Victim {
        private final Path builds;

        Builds(Path directory) throws Exception {
            super(directory, BuildRunner.class);
            builds = Files.createDirectory(directory.resolve("builds"));
            Files.setAttribute(builds, "unix:uid", 64002);
        }

        @Override
        List<String> arguments() {
            return List.of(builds.toString(), "8080");
        }

        @Override
        Set<Integer> users() {
            Set<Integer> users = IntStream.range(64010, 64020).boxed().collect(Collectors.toSet());
            users.add(64002);
            return users;
        }

        @Override
        boolean isAnswered(int number) throws Exception {
            String script = "sleep 0.05; echo " + number;
            String answer = answer(8080, "POST / HTTP/1.0\r\nContent-Length: " + script.length() + "\r\n\r\n" + script,
                    TO_THE_END);
            return answer.contains("\nout " + number + "\n") && answer.endsWith("exit 0\n");
        }

        /** Its other half ends a little later. */
        @Override
        void stop() {
            program.process().destroy();
        }

        @Override
        void check() {
            assertThat(builds).isEmptyDirectory();
        }
    }

    private static final class Mail extends Victim {
        private static final String TABLE = """
                listener   listener  64980 1        -        -         -
                smtp       smtpd     64981 3        20       60        127.0.0.1:25
                cleanup    cleanup   64982 2        50       60        -
                qmgr       qmgr      64983 1        -        -         -
                deliver    deliver   64984 2        20       60        -
                """;
        private final Path services;
        private final Set<String> acknowledged = new HashSet<>();
        private int sent;

        Mail(Path directory) throws Exception {
            super(directory, Master.class);
            services = Files.writeString(directory.resolve("services"), TABLE);
        }

        private Path path(String name) {
            return disk.resolve(name);
        }

        @Override
        List<String> arguments() {
            return List.of(services.toString(), path("spool").toString(), path("mail").toString());
        }

        @Override
        Set<Integer> users() {
            return IntStream.range(64980, 64985).boxed().collect(Collectors.toSet());
        }

        /** A message is not sent again under the same text: whether it was queued, its sender does not know. */
        @Override
        boolean isAnswered(int number) throws Exception {
            String text = "message " + sent++;
            String answer = answer(25, "MAIL FROM:<test@here>\r\nRCPT TO:<root>\r\nDATA\r\n" + text + "\r\n.\r\n",
                    "250 queued");
            if (!answer.contains("\n250 queued as "))
                return false;
            acknowledged.add(text);
            return true;
        }

        @Override
        void check() throws Exception {
            for (String queue : List.of("spool/incoming", "spool/decided"))
                for (long start = System.nanoTime(); !names(path(queue)).isEmpty();) {
                    assertThat(System.nanoTime() - start).as("%s has %s", queue, names(path(queue)))
                            .isLessThan(TimeUnit.SECONDS.toNanos(100));
                    LockSupport.parkNanos(1_000_000);
                }
            Map<String, Integer> copies = new TreeMap<>();
            for (String name : names(path("mail/root/new")))
                copies.merge(Files.readString(path("mail/root/new").resolve(name)).strip(), 1, Integer::sum);
            assertThat(copies.keySet()).containsAll(acknowledged);
            assertThat(copies.values()).as("copies").containsOnly(1);
            assertThat(names(path("mail/root/tmp"))).as("left by attempts").isEmpty();
        }

        private static List<String> names(Path directory) throws IOException {
            try (Stream<Path> files = Files.list(directory)) {
                return new ArrayList<>(files.map(file -> file.getFileName().toString()).toList());
            }
        }
    }
}
