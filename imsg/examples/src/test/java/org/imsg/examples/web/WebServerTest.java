package org.imsg.examples.web;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.embedded.EmbeddedChannel;
import java.io.File;
import java.io.RandomAccessFile;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.TimeUnit;
import org.imsg.examples.Example;
import org.imsg.testing.NetworkNamespace;
import org.imsg.testing.ProcStatus;
import org.imsg.testing.ProgramJar;
import org.imsg.testing.TestedProgram;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The server as a browser and an attacker see it, and its child from outside. */
@Timeout(90)
class WebServerTest {
    private static final long UID = 64013;

    @TempDir
    private Path directory;

    private NetworkNamespace network;
    private TestedProgram server;
    private Path site;

    @BeforeEach
    void start() throws Exception {
        String obstacle = NetworkNamespace.obstacle();
        assumeTrue(obstacle.isEmpty(), obstacle);
        site = Files.createDirectory(directory.resolve("site"));
        for (Path each : List.of(directory, site))
            Files.setPosixFilePermissions(each, PosixFilePermissions.fromString("rwxr-xr-x"));
        Files.writeString(site.resolve("hello"), "hello\n");
        Files.createSymbolicLink(site.resolve("link"), Path.of("/etc/passwd"));
        String classPath = String.join(File.pathSeparator, ProgramJar.in(directory, WebServer.class).toString(),
                System.getProperty("jdk.module.path", ""), System.getProperty("java.class.path"));
        network = new NetworkNamespace();
        server = network.call(() -> TestedProgram.start(classPath, List.of(), WebServer.class, "80", site.toString(),
                Long.toString(UID)));
        server.awaitLine("serving");
    }

    @AfterEach
    void close() throws Exception {
        // Else JUnit warns of what it deletes.
        if (site != null)
            Files.deleteIfExists(site.resolve("link"));
        if (server != null)
            server.close();
        if (network != null)
            network.close();
    }

    private String ask(String request) throws Exception {
        return network.call(() -> {
            try (Socket client = new Socket("127.0.0.1", 80)) {
                client.getOutputStream().write((request + "\r\n\r\n").getBytes(StandardCharsets.ISO_8859_1));
                return new String(client.getInputStream().readAllBytes(), StandardCharsets.ISO_8859_1);
            }
        });
    }

    /** Else answers that a client does not read would be kept without a bound. */
    @Test
    void a_connection_has_one_answer_however_many_requests_it_brings() throws Exception {
        assertThat(ask("GET /hello HTTP/1.1\r\n\r\n".repeat(10)).toLowerCase(Locale.ROOT))
                .containsOnlyOnce("http/1.1 200").contains("connection: close").endsWith("\r\n\r\nhello\n");
    }

    @Test
    void a_request_that_is_too_long_has_one_answer_too() {
        EmbeddedChannel connection = WebRole.pipeline(new EmbeddedChannel());
        String request = "POST / HTTP/1.1\r\nContent-Length: 9999\r\n\r\n" + "x".repeat(9999);
        StringBuilder answers = new StringBuilder();
        for (int i = 0; i < 10 && connection.isOpen(); i++) {
            connection.writeInbound(Unpooled.copiedBuffer(request, US_ASCII));
            for (ByteBuf answer; (answer = connection.readOutbound()) != null; answer.release())
                answers.append(answer.toString(US_ASCII));
        }
        connection.finishAndReleaseAll();
        assertThat(answers.toString()).containsOnlyOnce("HTTP/1.1 ");
    }

    @Test
    void clients_that_do_not_read_take_no_memory_from_others() throws Exception {
        long size = 16 << 20;
        try (RandomAccessFile large = new RandomAccessFile(site.resolve("large").toFile(), "rw")) {
            large.setLength(size);
        }
        List<Socket> clients = new ArrayList<>();
        try {
            for (int i = 0; i < 40; i++) {
                clients.add(network.call(() -> new Socket("127.0.0.1", 80)));
                clients.getLast().getOutputStream().write("GET /large HTTP/1.0\r\n\r\n".getBytes(US_ASCII));
            }
            assertThat(clients.getLast().getInputStream().readAllBytes().length).isGreaterThan((int) size);
            assertThat(clients.getFirst().getInputStream().readAllBytes().length).isGreaterThan((int) size);
        } finally {
            for (Socket client : clients)
                client.close();
        }
    }

    @Test
    void a_connection_ends_when_its_time_is_over_whether_its_client_says_nothing_or_a_byte_now_and_then() {
        EmbeddedChannel connection = WebRole.pipeline(new EmbeddedChannel());
        connection.freezeTime();
        for (int i = 0; i < 59; i++) {
            connection.writeInbound(Unpooled.wrappedBuffer(new byte[]{'x'}));
            connection.advanceTimeBy(1, TimeUnit.SECONDS);
            connection.runScheduledPendingTasks();
        }
        assertThat(connection.isOpen()).isTrue();
        connection.advanceTimeBy(2, TimeUnit.SECONDS);
        connection.runScheduledPendingTasks();
        assertThat(connection.isOpen()).isFalse();
        connection.finishAndReleaseAll();
    }

    @Test
    void a_chrooted_process_without_rights_serves_on_a_port_that_only_root_can_bind() throws Exception {
        assertThat(ask("GET /hello HTTP/1.0")).startsWith("HTTP/1.1 200").endsWith("\r\n\r\nhello\n");
        assertThat(ask("GET /nothing HTTP/1.0")).startsWith("HTTP/1.1 404");
        assertThat(ask("DELETE /hello HTTP/1.0")).startsWith("HTTP/1.1 405");
        assertThat(ask("what is this")).startsWith("HTTP/1.1 400");
        for (String elsewhere : List.of("/../../../../etc/passwd", "../../../../etc/passwd", "etc/passwd", "/link",
                "/proc/self/fd/0", "//etc/passwd",
                directory.resolve("program.jar").toString()))
            assertThat(ask("GET " + elsewhere + " HTTP/1.0")).as(elsewhere).startsWith("HTTP/1.1 404");
        assertThat(ask("GET /hello HTTP/1.0")).endsWith("hello\n");

        ProcStatus child = server.role("web");
        ProcStatus parent = server.parent();
        assertThat(child.rights()).isEqualTo(ProcStatus.withoutRights(UID));
        assertThat(child.root()).isEqualTo(site.toString());
        assertThat(child.namespacesApartFrom(parent)).isEmpty();
        assertThat(child.holdings(parent)).containsExactly("anon_inode:[timerfd]", "tcp 0.0.0.0:80", "unix stream");
        // What it bound is passed on; a child's output comes by pipes; /dev/null holds a place.
        Example.awaitHoldings(parent, parent, "/dev/null", "pipe", "pipe", "unix stream");
        assertThat(parent.root()).isEqualTo("/");
        assertThat(server.stop()).noneMatch(line -> line.contains("SEVERE"));
    }
}
