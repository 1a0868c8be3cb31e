package org.imsg.harness.dist;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.InetAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.logging.Level;
import java.util.logging.Logger;
import java.util.stream.Stream;
import org.imsg.Imsg;
import org.imsg.ImsgChannel;
import org.imsg.ImsgListener;
import org.imsg.WireFormat;
import org.imsg.harness.debian.DebianChroot;
import org.imsg.harness.debian.DebianSuite;
import org.imsg.harness.debian.PeerUnavailableException;
import org.imsg.harness.debian.TmuxServer;
import org.imsg.harness.dist.Programs.Ended;
import org.imsg.harness.record.Direction;
import org.imsg.harness.record.Event;
import org.imsg.harness.record.Recording;
import org.imsg.peers.bgpd.BgpdServer;
import org.imsg.peers.bgpd.BgpdService;
import org.imsg.peers.bgpd.BgpdVersion;
import org.imsg.peers.bgpd.Neighbor;
import org.imsg.peers.bgpd.RibQuery;
import org.imsg.peers.bgpd.Route;
import org.imsg.peers.ntpd.NtpStatus;
import org.imsg.peers.ntpd.NtpdServer;
import org.imsg.peers.ntpd.NtpdService;
import org.imsg.peers.ntpd.NtpdVersion;
import org.imsg.peers.smtpd.Mail;
import org.imsg.peers.smtpd.Part;
import org.imsg.peers.smtpd.SmtpdServer;
import org.imsg.peers.smtpd.SmtpdService;
import org.imsg.peers.smtpd.SmtpdVersion;
import org.imsg.privsep.ControlProtocol;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Runs each example of the man pages as it stands there, in a mount namespace whose sockets in /run and /tmp are those of
 * stand-ins. Stand-ins too are the other programs named: bgpctl, socat, systemctl and got-read-blob.
 */
@Timeout(300)
class ExamplesTest {
    private static final String ENTER = """
            set -eu
            mount --bind "$1" /mnt
            mount --bind "$2" /mnt/app
            mount --bind /mnt/run /run
            mount --bind /mnt/libexec /usr/libexec
            mount --bind /mnt/tmp /tmp
            cd /mnt/work
            export HOME=/mnt/home PATH=/mnt/bin:/mnt/app/bin:$PATH
            [ -d /mnt/app/var/cache/imsg ] || /mnt/app/share/imsg/make-cache
            exec bash -e /mnt/example
            """;
    /** What runs beside an example that waits for a client. */
    private static final String CLIENT = "(until imsg send /tmp/daemon.sock --type 10; do :; done) >/dev/null 2>&1 &\n";
    private static final String SHOWS_A_NEIGHBOR = "protocol bgpd\nstruct ctl_neighbor {\n char descr[32];\n int show_timers;\n}\n"
            + "message 13 SHOW_NEIGHBOR > ctl_neighbor\nmessage 1 END\n";
    private static final String WORDS_OF_THE_SCRIPT = "struct asked {\n u32 id\n}\nstruct peer {\n char name[16]\n u32 pid\n}\n"
            + "struct sized {\n u32 size\n}\nmessage 33 SHOW_PEER asked\nmessage 34 PEER peer\nmessage 12 SIZE sized\n"
            + "message 13 TAKE sized\n";

    /** Conformance and probing make the stand-ins drop connections, each with a warning. */
    private static final Logger LOGGER = Logger.getLogger("org.imsg");

    @TempDir
    private static Path place;
    private static Path tree;

    @TempDir
    private Path directory;
    private final List<AutoCloseable> standIns = new ArrayList<>();

    @BeforeAll
    static void unpack() throws Exception {
        Programs.need("man", "unshare", "mount", "bash");
        Programs.needRoot();
        tree = Programs.unpack(place);
        LOGGER.setLevel(Level.OFF);
    }

    static Stream<String> pages() throws IOException {
        return ManualPagesTest.pages().stream().map(page -> page.getFileName().toString());
    }

    @ParameterizedTest
    @MethodSource("pages")
    void an_example_of_a_page_does_what_it_says(String name) throws Exception {
        String page = ManualPagesTest
                .shown(tree.resolve("share/man/man" + name.substring(name.length() - 1)).resolve(name));
        for (String made : List.of("work", "run/openbgpd", "run/openntpd", "tmp/tmux-0", "bin", "libexec", "home",
                "app"))
            Files.createDirectories(directory.resolve(made));
        String script = name.endsWith(".1")
                ? section(page, "EXAMPLES")
                : languageExample(name, section(page, "DESCRIPTION"));
        try {
            standIns(name);
            Files.writeString(directory.resolve("example"), prelude(name) + script
                    + "\nfor job in $(jobs -p); do kill $job 2>/dev/null || :; done\n");
            Ended ended = Programs.run("unshare", "--mount", "--propagation", "private", "sh", "-c", ENTER, "enter",
                    directory,
                    tree);
            assertThat(ended.code()).as("%s%n%s%n%s", script, ended.out(), ended.err()).isZero();
            check(name, ended);
        } finally {
            for (AutoCloseable one : standIns)
                one.close();
        }
    }

    /** The lines of a section, as they were before man indented them. */
    private static String section(String page, String heading) {
        return page.substring(page.indexOf("\n" + heading + "\n") + heading.length() + 2).lines()
                .takeWhile(line -> line.isEmpty() || line.startsWith(" ")).map(line -> line.replaceFirst("^ {7}", ""))
                .reduce("", (all, line) -> all + line + "\n");
    }

    /** The example of a page about a language is no command line: a command that reads it is run. */
    private String languageExample(String name, String section) throws IOException {
        switch (name) {
            case "imsg-script.5" -> {
                Files.writeString(directory.resolve("work/script"), section);
                Files.writeString(directory.resolve("work/structs"), WORDS_OF_THE_SCRIPT);
                return "imsg talk daemon.sock --script script --describe structs";
            }
            case "imsg-structs.5" -> {
                Files.writeString(directory.resolve("work/structs"), section.substring(section.indexOf("protocol ")));
                return "imsg send daemon.sock --describe structs --type SHOW_PEERS --end PEERS_END";
            }
            default -> {
                return "imsg send daemon.sock --type 11 --end 12 --json";
            }
        }
    }

    private static String prelude(String name) {
        return name.equals("imsg-listen.1") ? CLIENT : "";
    }

    private static void check(String name, Ended ended) {
        switch (name) {
            case "imsg-structs.5" -> assertThat(ended.out()).contains("PEERS_END");
            case "imsg-json.5" -> assertThat(ended.out()).contains("\"type\":12", "\"direction\":\"to-client\"");
            case "imsg-tap.1" -> assertThat(ended.out()).contains("connected: client");
            case "imsg-bgp.1" -> assertThat(ended.out()).contains("upstream");
            default -> assertThat(ended.err()).isEmpty();
        }
    }

    private void program(String path, String text) throws IOException {
        Path file = Files.writeString(directory.resolve(path), text);
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxr-xr-x"));
    }

    private void standIns(String name) throws Exception {
        switch (name) {
            case "imsg.1", "imsg-talk.1", "imsg-tap.1", "imsg-bgp.1" -> bgpd();
            case "imsg-probe.1", "imsg-smtp.1" -> smtpd();
            case "imsg-ntp.1", "imsg-replay.1", "imsg-conformance.1" -> ntpd();
            case "imsg-tmux.1" -> tmux();
            case "imsg-ctl.1" -> answering("run/relayd.ctl", ExamplesTest::controlled);
            case "imsg-fuzz.1" -> answering("work/daemon.sock", answer(10, 10));
            case "imsg-script.5", "imsg-structs.5", "imsg-json.5" -> answering("work/daemon.sock", answer(11, 12));
            case "imsg-send.1" -> {
                ntpd();
                answering("work/bgpd.sock", answer(13, 1));
            }
            default -> { // needs none
            }
        }
        Files.writeString(directory.resolve("work/bgpd.structs"), SHOWS_A_NEIGHBOR);
        Files.writeString(directory.resolve("work/daemon.structs"), "message 10 STATUS\n");
        Files.writeString(directory.resolve("work/mail"), "Subject: hello\n\nhello\n");
        Recording said = new Recording(Instant.EPOCH, List.of(
                Event.message(Direction.TO_SERVER, WireFormat.MODERN, 10, 0, 9, new byte[0], List.of()),
                Event.message(Direction.TO_CLIENT, WireFormat.MODERN, 10, 0, 9, new byte[4], List.of())));
        said.write(directory.resolve("work/session.imsg"));
        said.write(directory.resolve("work/session.pcapng"));
        Files.write(directory.resolve("work/stream"), said.events().getLast().bytes());
        program("bin/socat", "#!/bin/sh\nexec cat /mnt/work/stream\n");
        program("bin/systemctl", "#!/bin/sh\n");
        program("bin/bgpctl", "#!/bin/sh\nuntil [ -S \"$2\" ]; do :; done\nexec imsg send \"$2\" --type 13 --end 1\n");
        program("libexec/got-read-blob",
                "#!/bin/sh\nprintf '\\001\\0\\0\\0\\020\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0' >&3\n"
                        + "exec cat <&3 >/dev/null\n");
    }

    private void bgpd() throws Exception {
        standIns.add(BgpdServer.listen(directory.resolve("run/openbgpd/bgpd.sock.0"), BgpdVersion.V8_8,
                new BgpdService() {
                    @Override
                    public List<Neighbor> neighbors() {
                        return List.of(new Neighbor(InetAddress.getLoopbackAddress(), "upstream", 64496, true,
                                Neighbor.State.NONE, 1, 2));
                    }

                    @Override
                    public void routes(RibQuery query, Consumer<Route> each) {
                        // it has none
                    }
                }));
    }

    private void ntpd() throws Exception {
        NtpdService service = () -> new NtpStatus(1, 1, 0, 0, true, 3, 0.5, 0, 0, 0);
        standIns.add(NtpdServer.listen(directory.resolve("run/ntpd.sock"), NtpdVersion.V7_9, service));
        standIns.add(NtpdServer.listen(directory.resolve("run/openntpd/ntpd.sock"), NtpdVersion.V7_9, service));
    }

    private void smtpd() throws Exception {
        standIns.add(SmtpdServer.listen(directory.resolve("run/smtpd.sock"), SmtpdVersion.V7_6, new SmtpdService() {
            @Override
            public void deliver(Mail mail) {
                // taken
            }

            @Override
            public Set<Part> paused() {
                return Set.of();
            }

            @Override
            public boolean pause(Part part, boolean paused) {
                return true;
            }
        }));
    }

    private void tmux() throws Exception {
        try {
            TmuxServer server = TmuxServer.start(
                    DebianChroot.of(DebianSuite.TRIXIE, Programs.MADE.resolve("../../target/chroots").normalize()));
            standIns.add(server);
            assertThat(server.client("set-buffer", "-b", "moon", "full").status()).isZero();
            Files.createSymbolicLink(directory.resolve("tmp/tmux-0/default"), server.socket());
        } catch (PeerUnavailableException e) {
            Programs.lack(e.getMessage());
        }
    }

    /** A daemon of few words. */
    private void answering(String socket, Function<Imsg, List<Imsg>> answers) throws IOException {
        ImsgListener listener = ImsgListener.listen(directory.resolve(socket));
        standIns.add(listener);
        Thread.ofVirtual().start(() -> {
            try {
                for (;;) {
                    ImsgChannel client = listener.accept().allowFdPassing();
                    Thread.ofVirtual().start(() -> serve(client, answers));
                }
            } catch (IOException _) {
                // closed
            }
        });
    }

    private static void serve(ImsgChannel client, Function<Imsg, List<Imsg>> answers) {
        try (client) {
            for (Imsg message; (message = client.receive()) != null;)
                try (Imsg request = message) {
                    for (Imsg answer : answers.apply(request))
                        client.send(answer);
                }
        } catch (IOException _) {
            // the client broke the protocol, or has left
        }
    }

    /** The answer to one type, of four bytes; none to all others. */
    private static Function<Imsg, List<Imsg>> answer(int type, int answer) {
        return request -> request.type() == type ? List.of(Imsg.of(answer, new byte[]{7, 0, 0, 0})) : List.of();
    }

    private static List<Imsg> controlled(Imsg request) {
        Imsg ok = Imsg.of(ControlProtocol.OK);
        return request.type() == ControlProtocol.STATUS
                ? List.of(Imsg.of(ControlProtocol.ENTRY, "name parent\nrole relayd\nstate running"), ok)
                : List.of(ok);
    }
}
