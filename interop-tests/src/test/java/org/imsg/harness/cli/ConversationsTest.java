package org.imsg.harness.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.zip.DeflaterOutputStream;
import org.imsg.harness.debian.Bgpd;
import org.imsg.harness.debian.ChrootCommand;
import org.imsg.harness.debian.DebianChroot;
import org.imsg.harness.debian.DebianSuite;
import org.imsg.harness.debian.PeerProcess;
import org.imsg.interop.Peers;
import org.imsg.interop.RealPeers;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The conversations of the manual, with the programs that they were written for. */
@RealPeers
@Timeout(120)
class ConversationsTest extends ImsgProgram {
    @TempDir
    private Path directory;

    private static String example(String name) throws IOException {
        Matcher example = Pattern.compile("(?s)```imsg " + name + "\n(.*?)```")
                .matcher(Files.readString(Path.of("README.md")));
        assertThat(example.find()).as(name).isTrue();
        return example.group(1);
    }

    private Path script(String text) throws IOException {
        return Files.writeString(directory.resolve("script"), text);
    }

    /** Its numbers are those of bgpd from 8.8 on. */
    @ParameterizedTest
    @EnumSource(names = {"TRIXIE", "FORKY"})
    void bgpd_is_asked_as_bgpctl_does(DebianSuite suite) throws Exception {
        try (Bgpd bgpd = Bgpd.start(Peers.chroot(suite), 65001,
                List.of(new Bgpd.ConfiguredNeighbor("127.0.0.2", 65002, "upstream"),
                        new Bgpd.ConfiguredNeighbor("127.0.0.3", 65003, "downstream")))) {
            assertThat(imsg("talk", bgpd.socket(), "--script", script(example("bgpctl-show")))).as(err.toString())
                    .isZero();
        }
        assertThat(out.toString().lines().filter(line -> line.contains(" <- 13 "))).hasSize(2);
        assertThat(out.toString()).contains("0000  7f 00 00 02", "0000  7f 00 00 03");
    }

    @Test
    void gotd_is_asked_as_gotctl_does() throws Exception {
        Path structs = Files.writeString(directory.resolve("gotd.structs"), """
                struct gotd_info { pid_t pid; int verbosity; int nrepos; int nclients; };
                struct gotd_info_repo { char name[255]; char path[4096]; };
                message 1 INFO < gotd_info
                message 2 REPO < struct gotd_info_repo
                """);
        ChrootCommand command = Peers.chroot(DebianSuite.TRIXIE).command("sh", "-c", """
                gotadmin init /srv/moon.git && chown -R _gotd /srv/moon.git && exec /usr/sbin/gotd -d -f /etc/moon.conf
                """).file("/etc/moon.conf", """
                listen on "/run/gotd.sock"
                repository "moon" {
                    path "/srv/moon.git"
                    permit ro root
                }
                """);
        try (PeerProcess gotd = command.start()) {
            Path socket = gotd.awaitListening("/run/gotd.sock");
            assertThat(imsg("talk", socket, "--describe", structs, "--script", script(example("gotd-info"))))
                    .as(err.toString()).isZero();
            assertThat(gotd.run("gotctl", "-f", "/run/gotd.sock", "info").output()).contains("gotd PID: 1\n",
                    "repository \"moon\", path /srv/moon.git");
        }
        assertThat(out.toString()).containsPattern("pid +1\n").contains("name \"moon\"", "path \"/srv/moon.git\"");
    }

    /** The answer has what a small object holds; that of a large one goes into the file. */
    @ParameterizedTest
    @ValueSource(ints = {12, 500_000})
    void got_read_blob_reads_an_object_and_writes_to_a_file(int length) throws Exception {
        String content = "m".repeat(length);
        byte[] object = ("blob " + length + "\0" + content).getBytes(StandardCharsets.UTF_8);
        ByteArrayOutputStream packed = new ByteArrayOutputStream();
        try (DeflaterOutputStream zlib = new DeflaterOutputStream(packed)) {
            zlib.write(object);
        }
        Path file = Files.write(directory.resolve("object"), packed.toByteArray());
        Path blob = directory.resolve("blob");
        String id = HexFormat.of().formatHex(MessageDigest.getInstance("SHA-1").digest(object));
        String text = example("read-blob").replaceFirst("fd=object", "fd=" + file).replaceFirst("fd=blob", "fd=" + blob)
                .replaceFirst("hex=\\p{XDigit}{40}", "hex=" + id);
        DebianChroot chroot = Peers.chroot(DebianSuite.TRIXIE);
        assertThat(imsg("talk", "--script", script(text), "--json", "--exec", "chroot", chroot.root(),
                "/usr/libexec/got-read-blob")).as(err + "" + out).isZero();
        String hex = HexFormat.of().formatHex(content.getBytes(StandardCharsets.UTF_8));
        if (length < 1000) {
            assertThat(out.toString()).contains("\"type\":12,", hex + '"');
        } else {
            assertThat(out.toString()).contains("\"type\":12,").doesNotContain("6d6d");
            assertThat(blob).hasBinaryContent(object);
        }
    }

    @Test
    void ikectl_takes_the_example_for_iked() throws Exception {
        Path answers = script(example("iked"));
        CompletableFuture<Integer> iked = CompletableFuture
                .supplyAsync(() -> imsg("listen", directory.resolve("s"), "--script", answers, "--once"));
        // It tries again until there is a daemon.
        String monitor = Peers.chroot(DebianSuite.TRIXIE).command("/usr/sbin/ikectl", "-s", "/run/moon/s", "monitor")
                .bind(directory, "/run/moon").run().output();
        assertThat(monitor).contains("ok: imsg type 1 len 34 peerid 0 pid 7\n", "imsg type 2 len 18 peerid 3 pid ",
                "<unknown>: imsg type 1000 len 16 ");
        assertThat(iked.get()).as(err.toString()).isZero();
    }
}
