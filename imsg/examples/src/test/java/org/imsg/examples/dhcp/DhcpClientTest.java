package org.imsg.examples.dhcp;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.io.IOException;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.stream.IntStream;
import org.imsg.examples.Example;
import org.imsg.testing.Call;
import org.imsg.testing.NetworkNamespace;
import org.imsg.testing.ProcStatus;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The client on one end of a pair of interfaces, in a network of its own, and on the other a server of the test. */
@Timeout(120)
class DhcpClientTest {
    private static final long UID = 64984;
    private static final byte[] HARDWARE = {2, 0, 0, 0, 0, 1};

    @TempDir
    private Path directory;

    /** The server's network: in the client's own, packets from the client's address would be thrown away there. */
    private NetworkNamespace serverNetwork;

    @AfterEach
    void closeServerNetwork() {
        if (serverNetwork != null)
            serverNetwork.close();
    }

    private NetworkNamespace network() throws Exception {
        NetworkNamespace network = Example.newNetwork();
        serverNetwork = new NetworkNamespace();
        Path thread = serverNetwork.call(() -> Files.readSymbolicLink(Path.of("/proc/thread-self")));
        network.call(() -> {
            assumeThat(ran("ip", "link", "add", "v0", "type", "veth", "peer", "name", "v1"))
                    .as("a pair of interfaces").isZero();
            return ran("ip", "link", "set", "v1", "netns", thread.getFileName().toString());
        });
        serverNetwork.call(() -> ran("ip", "address", "add", "192.0.2.1/24", "dev", "v1")
                + ran("ip", "link", "set", "v1", "up"));
        return network;
    }

    private static int ran(String... line) throws Exception {
        Process process = new ProcessBuilder(line).redirectInput(Path.of("/dev/null").toFile())
                .redirectOutput(ProcessBuilder.Redirect.DISCARD).redirectError(ProcessBuilder.Redirect.DISCARD).start();
        assertThat(process.waitFor(20, TimeUnit.SECONDS)).isTrue();
        return process.exitValue();
    }

    /** Offers addresses of 192.0.2.0/24 to each client that asks, and gives what is asked for, until the socket is closed. */
    private static Call<Void> serve(DatagramSocket socket, int... offered) {
        return serve(socket, question -> IntStream.of(question[242] == 1 ? offered : new int[]{asked(question)})
                .mapToObj(host -> answer(ByteBuffer.wrap(question), host)).toList());
    }

    /** A request has the address after its type, a renewal in its header. */
    private static int asked(byte... question) {
        return question[243] == 50 ? question[248] : question[15];
    }

    /** Answers each question so, until the socket is closed. */
    private static Call<Void> serve(DatagramSocket socket, Function<byte[], List<ByteBuffer>> answers) {
        return Call.start(Call.On.PLATFORM, () -> {
            byte[] bytes = new byte[1500];
            DatagramPacket packet = new DatagramPacket(bytes, bytes.length);
            while (!socket.isClosed())
                try {
                    socket.receive(packet);
                    for (ByteBuffer answer : answers.apply(bytes))
                        socket.send(new DatagramPacket(answer.array(), answer.position(),
                                InetAddress.ofLiteral("192.0.2.255"), 68));
                } catch (IOException e) {
                    if (!socket.isClosed())
                        throw e;
                }
            return null;
        });
    }

    private static ByteBuffer answer(ByteBuffer question, int host) {
        int type = question.get(242);
        ByteBuffer answer = ByteBuffer.allocate(400);
        answer.put(question.array(), 0, 240).put(0, (byte) 2).put(16, new byte[]{(byte) 192, 0, 2, (byte) host});
        answer.put(new byte[]{53, 1, (byte) (type == 1 ? 2 : 5)});
        answer.put(new byte[]{1, 4, -1, -1, -1, 0}).put(new byte[]{3, 4, (byte) 192, 0, 2, 1});
        answer.put(new byte[]{6, 8, (byte) 192, 0, 2, 53, (byte) 198, 51, 100, 53}).put(new byte[]{51, 4, 0, 0, 0, 20});
        return answer.put(new byte[]{54, 4, (byte) 192, 0, 2, 1}).put((byte) 255);
    }

    @Test
    void an_address_its_route_and_the_name_servers_are_there_until_the_client_is_stopped() throws Exception {
        NetworkNamespace network = network();
        Path resolv = directory.resolve("resolv.conf");
        DatagramSocket socket = serverNetwork.call(() -> new DatagramSocket(67));
        Call<Void> serving = serve(socket, 77);
        try (Example client = Example.start(network, directory, DhcpClient.class, "v0", resolv.toString(),
                Long.toString(UID))) {
            client.program().awaitLine("bound to 192.0.2.77/24 for 20 s");
            assertThat(Example.awaitLine(resolv, "198.51.100.53")).isEqualTo("nameserver 198.51.100.53");
            assertThat(resolv).hasContent("nameserver 192.0.2.53\nnameserver 198.51.100.53");
            assertThat(Files.getAttribute(resolv, "unix:mode")).as("for every user to read").isEqualTo(0100644);
            assertThat(network.call(() -> Files.readString(Path.of("/proc/thread-self/net/route"))))
                    .containsPattern("v0\\s+00000000\\s+010200C0");

            ProcStatus engine = client.assertConfined("engine", UID);
            assertThat(engine.holdings(client.program().parent())).contains("packet");
            assertThat(engine.namespacesApartFrom(client.program().parent())).contains("net");

            client.program().awaitLine("bound to 192.0.2.77/24 for 20 s");
            assertThat(client.program().stop()).noneMatch(line -> line.contains("SEVERE"));
            assertThat(network.call(() -> Files.readString(Path.of("/proc/thread-self/net/route"))))
                    .doesNotContain("v0");
        } finally {
            socket.close();
            serving.result();
        }
    }

    /** Starts Debian's server; when it ends it writes down who has which address for how long. */
    private Process startServer() throws Exception {
        Path leases = Files.createFile(directory.resolve("leases"));
        Path settings = Files.write(directory.resolve("udhcpd.conf"), List.of("start 192.0.2.100", "end 192.0.2.110",
                "interface v1", "lease_file " + leases, "pidfile " + directory.resolve("udhcpd.pid"), "min_lease 10",
                "option subnet 255.255.255.0", "option router 192.0.2.1", "option dns 192.0.2.53 198.51.100.53",
                "option lease 20"));
        return serverNetwork.call(() -> new ProcessBuilder("/usr/sbin/udhcpd", "-f", settings.toString())
                .redirectErrorStream(true).redirectOutput(directory.resolve("udhcpd.log").toFile()).start());
    }

    @Test
    void debians_udhcpd_gives_an_address_renews_it_and_is_told_when_it_is_given_back() throws Exception {
        Example.need("/usr/sbin/udhcpd");
        NetworkNamespace network = network();
        Path resolv = directory.resolve("resolv.conf");
        Process udhcpd = startServer();
        try (Example client = Example.start(network, directory, DhcpClient.class, "v0", resolv.toString(),
                Long.toString(UID))) {
            String bound = client.program().awaitLine("bound to 192.0.2.1");
            assertThat(bound).containsPattern("192\\.0\\.2\\.1(0[0-9]|10)/24 for 20 s");
            assertThat(Example.awaitLine(resolv, "198.51.100.53")).isEqualTo("nameserver 198.51.100.53");
            assertThat(network.call(() -> Files.readString(Path.of("/proc/thread-self/net/route"))))
                    .containsPattern("v0\\s+00000000\\s+010200C0");
            assertThat(client.program().awaitLine("bound to 192.0.2.1").replaceFirst(".*bound", "bound"))
                    .as("the same address, renewed").isEqualTo(bound.replaceFirst(".*bound", "bound"));
            assertThat(client.program().stop()).noneMatch(line -> line.contains("SEVERE"));
            assertThat(network.call(() -> Files.readString(Path.of("/proc/thread-self/net/route"))))
                    .doesNotContain("v0");
        } finally {
            udhcpd.destroy();
            assertThat(udhcpd.waitFor(20, TimeUnit.SECONDS)).isTrue();
        }
        // Eight bytes of time, then each lease: the seconds left, and the address.
        ByteBuffer leases = ByteBuffer.wrap(Files.readAllBytes(directory.resolve("leases")));
        assertThat(leases.getInt(8)).as("seconds left when it was given back").isZero();
        assertThat(Files.readString(directory.resolve("udhcpd.log"))).as("one discovery, a renewal without another")
                .containsPattern("(?s)sending ACK.*sending ACK")
                .doesNotContainPattern("(?s)sending ACK.*sending OFFER");
    }

    @Test
    void an_offer_that_is_refused_does_not_keep_a_client_from_the_next_one() throws Exception {
        NetworkNamespace network = network();
        network.call(() -> ran("ip", "address", "add", "192.0.2.66/24", "dev", "v0"));
        DatagramSocket socket = serverNetwork.call(() -> new DatagramSocket(67));
        Call<Void> serving = serve(socket, 66, 77);
        try (Example client = Example.start(network, directory, DhcpClient.class, "v0",
                directory.resolve("resolv.conf").toString(), Long.toString(UID))) {
            client.program().awaitLine("no lease yet: ");
            client.program().awaitLine("bound to 192.0.2.77/24 for 20 s");
            assertThat(client.program().stop()).noneMatch(line -> line.contains("SEVERE"));
        } finally {
            socket.close();
            serving.result();
        }
    }

    /** Of two addresses there is always one that was not offered last: without a pause the link would have nothing but questions on it. */
    @Test
    void a_server_that_takes_every_offer_back_is_asked_again_after_a_pause() throws Exception {
        NetworkNamespace network = network();
        DatagramSocket socket = serverNetwork.call(() -> new DatagramSocket(67));
        Call<Void> serving = serve(socket, question -> question[242] == 1
                ? List.of(answer(ByteBuffer.wrap(question), 66), answer(ByteBuffer.wrap(question), 77))
                : List.of(answer(ByteBuffer.wrap(question), asked(question)).put(242, (byte) 6)));
        try (Example client = Example.start(network, directory, DhcpClient.class, "v0",
                directory.resolve("resolv.conf").toString(), Long.toString(UID))) {
            client.program().awaitLine("no lease yet: the server has taken its offer back");
            client.program().awaitLine("no lease yet: the server has taken its offer back");
            assertThat(client.program().stop()).noneMatch(line -> line.contains("SEVERE"));
        } finally {
            socket.close();
            serving.result();
        }
    }

    @Test
    void an_address_that_was_not_asked_for_is_not_taken() throws Exception {
        NetworkNamespace network = network();
        DatagramSocket socket = serverNetwork.call(() -> new DatagramSocket(67));
        Call<Void> serving = serve(socket, question -> question[242] == 1
                ? List.of(answer(ByteBuffer.wrap(question), 77))
                : List.of(answer(ByteBuffer.wrap(question), 99), answer(ByteBuffer.wrap(question), asked(question))));
        try (Example client = Example.start(network, directory, DhcpClient.class, "v0",
                directory.resolve("resolv.conf").toString(), Long.toString(UID))) {
            for (int i = 0; i < 2; i++)
                assertThat(client.program().awaitLine("bound to ")).as("the first time, and renewed")
                        .contains("bound to 192.0.2.77/24");
            assertThat(client.program().stop()).noneMatch(line -> line.contains("SEVERE"));
        } finally {
            socket.close();
            serving.result();
        }
    }

    private static byte[] frame(Random random) {
        ByteBuffer frame = ByteBuffer.wrap(Question.DISCOVER.frame(7, HARDWARE, java.util.Optional.empty()).array());
        byte[] message = Arrays.copyOfRange(frame.array(), 42, frame.capacity());
        ByteBuffer answer = answer(ByteBuffer.wrap(message), 77);
        byte[] bytes = Arrays.copyOf(frame.array(), 42 + answer.position());
        System.arraycopy(answer.array(), 0, bytes, 42, answer.position());
        ByteBuffer.wrap(bytes).putShort(34, (short) 67).putShort(36, (short) 68)
                .putShort(16, (short) (bytes.length - 14)).putShort(38, (short) (bytes.length - 34));
        return random == null ? bytes : Arrays.copyOf(bytes, random.nextInt(bytes.length + 1));
    }

    @Test
    void an_answer_is_read_and_one_to_another_client_is_not() {
        Lease lease = Reply.of(ByteBuffer.wrap(frame(null)), 7, HARDWARE).orElseThrow().lease().orElseThrow();
        assertThat(lease.address().getHostAddress()).isEqualTo("192.0.2.77");
        assertThat(lease.nameServers()).hasSize(2);
        assertThat(Reply.of(ByteBuffer.wrap(frame(null)), 8, HARDWARE)).isEmpty();
        assertThat(Reply.of(ByteBuffer.wrap(frame(null)), 7, new byte[]{2, 0, 0, 0, 0, 2})).isEmpty();
    }

    @Test
    void any_bytes_are_an_answer_or_none() {
        long seed = new Random().nextLong();
        Random random = new Random(seed);
        Set<Boolean> seen = new java.util.HashSet<>();
        for (int i = 0; i < 50_000; i++) {
            byte[] bytes = frame(random.nextInt(3) == 0 ? null : random);
            for (int flips = random.nextInt(4); flips > 0 && bytes.length > 0; flips--)
                bytes[random.nextInt(bytes.length)] = (byte) random.nextInt();
            seen.add(Reply.of(ByteBuffer.wrap(bytes), 7, HARDWARE).isPresent());
        }
        assertThat(seen).as("seed %d", seed).containsExactlyInAnyOrder(true, false);
    }
}
