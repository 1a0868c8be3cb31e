package org.imsg.harness.cli;

import static java.util.Comparator.comparingLong;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.time.Duration;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import java.util.zip.DeflaterOutputStream;
import org.imsg.WireFormat;
import org.imsg.harness.record.Event;
import org.imsg.harness.record.Recording;
import org.imsg.harness.scripted.Expected;
import org.imsg.harness.scripted.ScriptedPeer;
import org.imsg.harness.scripted.ScriptedServer;
import org.imsg.harness.stream.RawListener;
import org.imsg.unix.Fd;
import org.imsg.unix.OpenFlag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The conversations of the manual with stand-ins for the daemons, and what the command says when one goes otherwise. */
@Timeout(60)
class TalkCommandTest extends ImsgProgram {
    private static final Path MANUAL = Path.of("..", "README.md");
    private static final byte[] CONTENT = "what is in it\n".getBytes(StandardCharsets.UTF_8);

    @TempDir
    private Path directory;

    private Path script(String text) throws IOException {
        return Files.writeString(directory.resolve("script"), text);
    }

    private static String example(String name) throws IOException {
        List<MatchResult> found = Pattern.compile("(?s)```imsg " + name + "\n(.*?)```")
                .matcher(Files.readString(MANUAL)).results().toList();
        assertThat(found).as(name).hasSize(1);
        assertThat(found.getFirst().group(1).lines().count()).isLessThanOrEqualTo(10);
        return found.getFirst().group(1);
    }

    @Test
    void the_example_of_bgpctl_lets_all_neighbors_pass() throws Exception {
        try (ScriptedServer bgpd = ScriptedServer.listen(directory.resolve("s"), WireFormat.MODERN, client -> {
            client.expect(Expected.type(13).payload(new byte[0]));
            client.send(13, new byte[2144]);
            client.send(13, new byte[2144]);
            client.send(1, new byte[0]);
        })) {
            assertThat(imsg("talk", bgpd.socket(), "--script", script(example("bgpctl-show")))).as(err.toString())
                    .isZero();
        }
        assertThat(out.toString().lines().filter(line -> line.contains(" <- 13 "))).hasSize(2);
    }

    @Test
    void the_example_of_gotd_takes_names_from_the_answer() throws Exception {
        Path structs = Files.writeString(directory.resolve("gotd.structs"), """
                struct gotd_info { pid_t pid; int verbosity; int nrepos; int nclients; };
                struct gotd_info_repo { char name[255]; char path[4096]; };
                message 1 ASK >
                message 1 INFO < gotd_info
                message 2 REPO < struct gotd_info_repo
                """);
        try (ScriptedServer gotd = ScriptedServer.listen(directory.resolve("s"), WireFormat.MODERN, client -> {
            client.expect(Expected.type(1));
            client.send(1, ByteBuffer.allocate(16).order(ByteOrder.nativeOrder()).putInt(77).putInt(0).putInt(1)
                    .putInt(1).array());
            client.send(2, new byte[255 + 4096]);
        })) {
            assertThat(imsg("talk", gotd.socket(), "--describe", structs, "--script", script(example("gotd-info"))))
                    .as(err.toString()).isZero();
        }
        assertThat(out.toString()).containsPattern("pid +77").contains("2 REPO");
    }

    /** A script of perl answers what the real one would. */
    @Test
    void the_example_of_got_read_blob_passes_two_descriptors_in_a_row_to_a_program() throws Exception {
        byte[] object = ("blob " + CONTENT.length + "\0" + new String(CONTENT, StandardCharsets.UTF_8))
                .getBytes(StandardCharsets.UTF_8);
        String id = HexFormat.of().formatHex(MessageDigest.getInstance("SHA-1").digest(object));
        ByteArrayOutputStream packed = new ByteArrayOutputStream();
        try (DeflaterOutputStream zlib = new DeflaterOutputStream(packed)) {
            zlib.write(object);
        }
        Path file = Files.write(directory.resolve("object"), packed.toByteArray());
        Path blob = directory.resolve("blob");
        String text = example("read-blob").replaceFirst("fd=object", "fd=" + file).replaceFirst("fd=blob", "fd=" + blob)
                .replaceFirst("hex=\\p{XDigit}{40}", "hex=" + id);
        String standIn = "open(S, '+<&=3') or die; my $b = ''; while (length $b < 68) {"
                + " sysread(S, $b, 68 - length $b, length $b) or die; }"
                + " my ($t, $l) = unpack('LL', substr($b, 52)); die if $t != 11 || ($l & 0x7fffffff) != 16;"
                + " syswrite(S, pack('LLLLQQ', 12, 32, 0, 0, %d, 8));".formatted(CONTENT.length);
        assertThat(imsg("talk", "--script", script(text), "--format", "MODERN", "--exec", "perl", "-e", standIn))
                .as(err + "" + out).isZero();
        assertThat(out.toString()).contains(" 12 ", file.toString(), blob.toString());
        assertThat(blob).exists();
    }

    @Test
    void the_example_of_ikectl_is_what_a_monitor_takes_for_iked() throws Exception {
        Path socket = directory.resolve("s");
        Path answers = script(example("iked"));
        Thread daemon = Thread.ofVirtual().start(() -> imsg("listen", socket, "--script", answers, "--once"));
        Listening.await(socket);
        try (ScriptedPeer monitor = ScriptedPeer.connect(socket, WireFormat.MODERN)) {
            monitor.patience(Duration.ofSeconds(10));
            monitor.send(4, new byte[0]);
            assertThat(monitor.expect(Expected.type(1)).event().pid()).isEqualTo(7);
            monitor.expect(Expected.type(2).id(3).payload(new byte[]{0, (byte) 0xFF}));
            monitor.expect(Expected.type(1000));
        }
        daemon.join();
    }

    @Test
    void what_is_not_expected_ends_it_with_1_and_a_line_that_says_where() throws Exception {
        try (ScriptedServer server = ScriptedServer.listen(directory.resolve("s"), WireFormat.MODERN, client -> {
            client.expect(Expected.type(1));
            client.send(5, new byte[0]);
        })) {
            assertThat(imsg("talk", server.socket(), "--script", script("send 1\nexpect 6\n"))).isEqualTo(1);
        }
        assertThat(err.toString()).isEqualTo("imsg: line 2: expected 6: type 5 with 0 bytes came\n");
    }

    @ParameterizedTest
    @CsvSource({"'on 2\n  send 3\n', ''", "'on 2\n  send 3\nserve\n', 'line 3: '"})
    void a_peer_that_rules_wait_for_in_vain_ends_it_with_1(String text, String line) throws Exception {
        try (ScriptedServer server = ScriptedServer.listen(directory.resolve("s"), WireFormat.MODERN,
                client -> client.expectEnd())) {
            assertThat(imsg("talk", server.socket(), "--script", script(text), "--wait", "20ms")).isEqualTo(1);
        }
        assertThat(err.toString())
                .isEqualTo("imsg: " + line + "nothing came within 20 ms, and the peer has not left\n");
    }

    @Test
    void a_file_that_cannot_be_saved_is_named() throws Exception {
        try (ScriptedServer server = ScriptedServer.listen(directory.resolve("s"), WireFormat.MODERN, client -> {
            try (Fd file = Fd.open(script("expect 3\nsave /dev/full\n"), OpenFlag.READ)) {
                client.send(3, new byte[0], file);
            }
        })) {
            assertThat(imsg("talk", server.socket(), "--script", script("expect 3\nsave /dev/full\n"))).isEqualTo(3);
        }
        assertThat(err.toString())
                .isEqualTo("imsg: the file /dev/full cannot be written: No space left on device\n");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            pipe      | the descriptor gave nothing for 200 ms, and has not ended
            /dev/zero | the descriptor gives more than 1073741824 bytes
            """)
    void a_descriptor_that_never_ends_is_not_saved_for_ever(String what, String complaint) throws Exception {
        try (Fd.Pair pipe = Fd.pipe();
                Fd zero = Fd.open(Path.of("/dev/zero"), OpenFlag.READ);
                ScriptedServer server = ScriptedServer.listen(directory.resolve("s"), WireFormat.MODERN, client -> {
                    client.send(3, new byte[0], what.equals("pipe") ? pipe.first() : zero);
                    client.expectEnd();
                })) {
            assertThat(imsg("talk", server.socket(), "--wait", "200ms", "--script",
                    script("expect 3 within=20s\nsave /dev/null\n"))).isEqualTo(1);
        }
        assertThat(err.toString()).isEqualTo("imsg: line 2: save /dev/null: " + complaint + "\n");
    }

    @Test
    void a_daemon_that_does_not_read_is_not_waited_for_without_end() throws Exception {
        String many = "x".repeat(1 << 20);
        try (RawListener silent = RawListener.listen(directory.resolve("s"), 0600)) {
            assertThat(imsg("talk", silent.path(), "--format", "MODERN", "--wait", "200ms", "--script",
                    script("send 1 data=" + many))).isEqualTo(1);
            assertThat(imsg("send", silent.path(), "--format", "MODERN", "--wait", "200ms", "--type", "1", "--data",
                    many)).isEqualTo(3);
        }
        assertThat(err.toString().lines()).hasSize(2).allMatch(line -> line.contains("no room for ")
                && line.endsWith(" of 1048592 bytes in time: the peer does not read"));
    }

    @Test
    void a_script_that_is_no_text_is_refused_before_it_takes_memory() {
        assertThat(imsg("talk", directory.resolve("s"), "--script", "/dev/zero")).isEqualTo(3);
        assertThat(err.toString()).isEqualTo("imsg: /dev/zero: line 1 is longer than 34603008 bytes\n");
    }

    @Test
    void a_program_that_fails_is_told_of_and_one_that_is_not_there_is_named() throws Exception {
        Path recording = directory.resolve("recording");
        assertThat(imsg("talk", "--script", script("expect end"), "--record", recording, "--exec", "sh", "-c",
                "exit 3")).isZero();
        assertThat(out.toString()).containsPattern("the program ended with .*3");
        assertThat(Recording.read(recording).events()).hasSize(2).isSortedAccordingTo(comparingLong(Event::nanos));
        assertThat(imsg("talk", "--script", script("end"), "--exec", "no-such-program-here")).isEqualTo(3);
        assertThat(err.toString()).contains("no-such-program-here is no program that can be started (--exec)");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            send 1  |                      | either SOCKET or --exec PROGRAM names the peer
            send 1  | s --exec true        | either SOCKET or --exec PROGRAM names the peer
            sned 1  | s                    | line 1 of the script: send, expect,
            """)
    void a_wrong_command_line_or_script_is_refused_before_connecting(String script, String more, String message)
            throws Exception {
        String words = Stream.of("talk", "--script", script(script).toString(), more == null ? "" : more)
                .collect(Collectors.joining(" ")).strip();
        assertThat(imsg((Object[]) words.split(" +"))).isEqualTo(2);
        assertThat(err.toString().toLowerCase(Locale.ROOT)).contains(message.toLowerCase(Locale.ROOT));
    }
}
