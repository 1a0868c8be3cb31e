package org.imsg.privsep;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import org.imsg.Imsg;
import org.imsg.privsep.rights.NotifySocket;
import org.imsg.testing.ClassPlaces;
import org.imsg.unix.Child;
import org.imsg.unix.Fd;
import org.imsg.unix.FdChannel;
import org.imsg.unix.UnixAddress;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A program that was started as systemd starts a service: with a socket to tell it things on, and with descriptors. */
@Timeout(120)
class UnderSystemdTest {
    private static final int HAVE = 1, END = 2, RELOADED = 3;

    @TempDir
    private Path directory;

    /** The service: its role tells what it was passed, and its parent ends it, then reloads, then stops, by what it reads. */
    static final class Service implements Role, Parent {
        public static void main(String... arguments) throws Exception {
            System.exit(Privsep.program("service")
                    .role("web", Service::new, role -> role.restart().descriptors("http", "absent"))
                    .role("other", Service::new, role -> role.restart().descriptors("dns")).parent(Service::new)
                    .run(arguments));
        }

        @Override
        public void start(RoleProcess self) throws Exception {
            self.on(END, (_, _) -> Runtime.getRuntime().halt(1));
            StringBuilder have = new StringBuilder(self.role());
            for (String name : List.of("http", "absent", "dns"))
                for (Fd each : self.descriptors(name)) {
                    have.append(' ').append(name);
                    try (FdChannel passed = new FdChannel(each)) {
                        passed.write(ByteBuffer.wrap((self.role() + " writes to " + name + "\n").getBytes()));
                    }
                }
            self.parent().send(Imsg.of(HAVE, have.toString()));
        }

        @Override
        public void start(ParentProcess self) {
            self.on(RELOADED, (_, _) -> self.stop());
            AtomicInteger starts = new AtomicInteger();
            self.on(HAVE, (from, text) -> {
                System.out.println(text.getStrbuf(text.length()));
                switch (starts.incrementAndGet()) {
                    case 2 -> self.peer("web", 0).send(Imsg.of(END));
                    case 3 -> self.reload();
                    default -> {
                        // the other role comes
                    }
                }
            });
        }

        @Override
        public void reload(RoleProcess self) throws Exception {
            self.parent().send(Imsg.of(RELOADED));
        }
    }

    private Child start(Map<Integer, Fd> passed, String names, String watchdog) throws Exception {
        // The shell knows the process id before java has it.
        Child.Builder child = Child.of(Path.of("/bin/sh"), "-c", "LISTEN_PID=$$ exec \"$@\"", "sh",
                Path.of(System.getProperty("java.home"), "bin", "java").toString(), "-XX:TieredStopAtLevel=1",
                "--enable-native-access=ALL-UNNAMED", "-cp",
                ClassPlaces.classPath(Service.class, Privsep.class, Imsg.class), Service.class.getName());
        passed.forEach(child::descriptor);
        return child.environment("LISTEN_FDS", "" + (passed.size() - 1)).environment("LISTEN_FDNAMES", names)
                .environment("NOTIFY_SOCKET", directory.resolve("notify").toString())
                .environment("WATCHDOG_USEC", watchdog).start();
    }

    @Test
    void descriptors_go_to_the_roles_that_name_them_also_after_a_restart_and_systemd_is_told_everything()
            throws Exception {
        try (NotifySocket systemd = NotifySocket.at(UnixAddress.of(directory.resolve("notify")));
                Fd.Pair out = Fd.pipe();
                Fd.Pair http = Fd.pipe();
                Fd.Pair dns = Fd.pipe()) {
            Child service = start(Map.of(1, out.second(), 3, http.second(), 4, dns.second()), "http:dns", "200000");
            out.second().close();
            http.second().close();
            dns.second().close();
            List<String> words = new ArrayList<>();
            for (String word = ""; !word.equals("STOPPING=1"); words.add(word))
                word = systemd.receive();
            assertThat(words.stream().filter(word -> !word.startsWith("STATUS") && !word.equals("WATCHDOG=1")))
                    .satisfiesExactly(word -> assertThat(word).isEqualTo("READY=1"),
                            word -> assertThat(word).matches("RELOADING=1\nMONOTONIC_USEC=[0-9]+"),
                            word -> assertThat(word).isEqualTo("READY=1"),
                            word -> assertThat(word).isEqualTo("STOPPING=1"));
            assertThat(words).contains("WATCHDOG=1", "STATUS=running: web 0, other 0", "STATUS=running: web 1, other 1",
                    "STATUS=running: web 0, other 1");
            assertThat(service.waitFor().code()).isZero();
            assertThat(lines(out.first())).containsExactlyInAnyOrder("web http", "other dns", "web http");
            assertThat(lines(http.first())).containsExactly("web writes to http", "web writes to http");
            assertThat(lines(dns.first())).containsExactly("other writes to dns");
        }
    }

    private static List<String> lines(Fd from) throws Exception {
        try (BufferedReader reader = new BufferedReader(
                new InputStreamReader(Channels.newInputStream(new FdChannel(from.move()))))) {
            return reader.lines().toList();
        }
    }

    @Test
    void systemd_that_does_not_read_holds_nothing_up_and_is_complained_of_once() throws Exception {
        Path socket = directory.resolve("notify");
        try (CapturedLog log = new CapturedLog("silent");
                NotifySocket _ = NotifySocket.at(UnixAddress.of(socket));
                UnderSystemd silent = UnderSystemd.take(System.getLogger("silent"),
                        Map.of("NOTIFY_SOCKET", socket.toString()), false)) {
            for (int i = 0; i < 10_000; i++)
                silent.status(Integer.toString(i)::toString);
            assertThat(log.rest()).singleElement().asString().contains("systemd is not told", "EAGAIN");
        }
    }

    @Test
    void another_program_is_told_nothing() throws Exception {
        try (UnderSystemd nobody = UnderSystemd.take(System.getLogger("silent"), Map.of("WATCHDOG_USEC", "1000"),
                true)) {
            nobody.ready();
            nobody.tick(Long.MAX_VALUE);
            assertThat(nobody.nextDeadline()).isEqualTo(Long.MAX_VALUE);
            assertThat(nobody.descriptors(List.of("http"))).isEmpty();
        }
    }
}
