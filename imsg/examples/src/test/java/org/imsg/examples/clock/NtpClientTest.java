package org.imsg.examples.clock;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import org.imsg.examples.Example;
import org.imsg.testing.NetworkNamespace;
import org.imsg.testing.ProcStatus;
import org.imsg.testing.TestedProgram;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A client and a server that is wrong; the machine's clock stays as it is. */
@Timeout(90)
class NtpClientTest {
    private static final long UID = 64014;
    private static final long RESOLVER_UID = 64015;
    private static final String SET_TO = "the clock would be set to ";
    /** How long the answer of a busy machine takes does not matter. */
    private static final long TOLERANCE_SECONDS = 120;

    @TempDir
    private Path directory;

    private Example start(NetworkNamespace network, String server) throws Exception {
        return Example.start(network, directory, NtpClient.class, "record", server, Integer.toString(TimeServer.PORT),
                Long.toString(UID), Long.toString(RESOLVER_UID));
    }

    private static Duration change(TestedProgram client) throws Exception {
        String line = client.awaitLine(SET_TO);
        return Duration.between(Instant.now(),
                Instant.parse(line.substring(line.indexOf(SET_TO) + SET_TO.length())));
    }

    @Test
    void the_clock_is_changed_by_what_the_server_says_and_not_by_forgers_nor_further_than_the_parent_believes()
            throws Exception {
        NetworkNamespace network = Example.newNetwork();
        try (TimeServer server = network.call(TimeServer::new)) {
            server.ahead(Duration.ofSeconds(1000));
            try (Example example = start(network, "localhost")) {
                TestedProgram client = example.program();
                assertThat(change(client).toSeconds()).isCloseTo(1000, within(TOLERANCE_SECONDS));
                client.awaitLine("changed by PT");
                assertConfined(example);

                server.ahead(Duration.ofDays(-2));
                client.signal("HUP");
                client.awaitLine("the server is not believed");

                server.ahead(Duration.ofSeconds(2000));
                server.forge();
                client.signal("HUP");
                assertThat(change(client).toSeconds()).isCloseTo(0, within(TOLERANCE_SECONDS));
                // The sockets of the questions before are closed.
                assertConfined(example);
                assertThat(client.stop().stream().filter(line -> line.contains(SET_TO))).hasSize(2);
            }
        }
    }

    /** It may have been killed with a question: that is asked again. */
    @Test
    void a_resolver_that_was_killed_is_asked_again_when_it_is_back() throws Exception {
        NetworkNamespace network = Example.newNetwork();
        try (TimeServer server = network.call(TimeServer::new)) {
            server.ahead(Duration.ofSeconds(1000));
            try (Example example = start(network, "localhost")) {
                change(example.program());
                example.kill("resolver");
                assertThat(change(example.program()).toSeconds()).isCloseTo(1000, within(TOLERANCE_SECONDS));
            }
        }
    }

    private static void assertConfined(Example example) throws Exception {
        ProcStatus parent = example.program().parent();
        ProcStatus client = example.assertConfined("ntp", UID);
        List<String> held = client.holdings(parent);
        assertThat(held).as("a server, the parent, the monitor, the resolver").hasSize(4)
                .containsSubsequence("unix stream", "unix stream", "unix stream").first().asString()
                .startsWith("udp 127.0.0.1:");
        assertThat(client.namespacesApartFrom(parent)).isEmpty();

        ProcStatus resolver = example.assertConfined("resolver", RESOLVER_UID);
        assertThat(resolver.holdings(parent)).as("the parent, the client").containsExactly("unix stream",
                "unix stream");
        assertThat(resolver.root()).isEqualTo("/");
        assertThat(parent.holdings(parent))
                .as("output of two children, their channels, the clock's; /dev/null holds a place")
                .containsExactly("/dev/null", "pipe", "pipe", "pipe", "pipe", "unix stream", "unix stream",
                        "unix stream");
    }

    @Test
    void a_name_that_nobody_knows_is_reported_and_the_program_goes_on() throws Exception {
        try (Example example = start(Example.newNetwork(), "nobody.invalid")) {
            example.program().awaitLine("there is no host nobody.invalid");
            example.program().signal("HUP");
            example.program().awaitLine("there is no host nobody.invalid");
            assertThat(example.program().stop()).noneMatch(line -> line.contains(SET_TO));
        }
    }

    @Test
    void a_time_after_the_era_that_ends_in_2036_is_the_one_nearest_to_now() {
        Instant sent = Instant.parse("2036-02-07T06:28:10Z");
        Question question = new Question(42, sent);
        long answered = Question.timestamp(sent.plusSeconds(20));
        ByteBuffer answer = ByteBuffer.allocate(Question.LENGTH).put(0, (byte) 0x24).put(1, (byte) 1).putLong(24, 42)
                .putLong(32, answered).putLong(40, answered);
        assertThat(question.offset(answer, sent).orElseThrow().truncatedTo(ChronoUnit.MILLIS))
                .isEqualTo(Duration.ofSeconds(20));
    }
}
