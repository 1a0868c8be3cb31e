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
import java.util.Random;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.imsg.examples.Example;
import org.imsg.testing.Call;
import org.imsg.testing.NetworkNamespace;
import org.imsg.testing.ProcStatus;
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

    private static NetworkNamespace network() throws Exception {
        NetworkNamespace network = Example.newNetwork();
        network.call(() -> {
            assumeThat(ran("ip", "link", "add", "v0", "type", "veth", "peer", "name", "v1"))
                    .as("a pair of interfaces").isZero();
            ran("ip", "address", "add", "192.0.2.1/24", "dev", "v1");
            return ran("ip", "link", "set", "v1", "up");
        });
        return network;
    }

    private static int ran(String... line) throws Exception {
        Process process = new ProcessBuilder(line).redirectInput(Path.of("/dev/null").toFile())
                .redirectOutput(ProcessBuilder.Redirect.DISCARD).redirectError(ProcessBuilder.Redirect.DISCARD).start();
        assertThat(process.waitFor(20, TimeUnit.SECONDS)).isTrue();
        return process.exitValue();
    }

    /** Offers 192.0.2.77 to whoever asks, until the socket is closed. */
    private static Call<Void> serve(DatagramSocket socket) {
        return Call.start(Call.On.PLATFORM, () -> {
            byte[] bytes = new byte[1500];
            DatagramPacket packet = new DatagramPacket(bytes, bytes.length);
            while (!socket.isClosed())
                try {
                    socket.receive(packet);
                    ByteBuffer answer = answer(ByteBuffer.wrap(bytes));
                    socket.send(new DatagramPacket(answer.array(), answer.position(),
                            InetAddress.ofLiteral("192.0.2.255"), 68));
                } catch (IOException e) {
                    if (!socket.isClosed())
                        throw e;
                }
            return null;
        });
    }

    private static ByteBuffer answer(ByteBuffer question) {
        int type = question.get(242);
        ByteBuffer answer = ByteBuffer.allocate(400);
        answer.put(question.array(), 0, 240).put(0, (byte) 2).put(16, new byte[]{(byte) 192, 0, 2, 77});
        answer.put(new byte[]{53, 1, (byte) (type == 1 ? 2 : 5)});
        answer.put(new byte[]{1, 4, -1, -1, -1, 0}).put(new byte[]{3, 4, (byte) 192, 0, 2, 1});
        answer.put(new byte[]{6, 8, (byte) 192, 0, 2, 53, (byte) 198, 51, 100, 53}).put(new byte[]{51, 4, 0, 0, 0, 20});
        return answer.put(new byte[]{54, 4, (byte) 192, 0, 2, 1}).put((byte) 255);
    }

    @Test
    void an_address_its_route_and_the_name_servers_are_there_until_the_client_is_stopped() throws Exception {
        NetworkNamespace network = network();
        Path resolv = directory.resolve("resolv.conf");
        DatagramSocket socket = network.call(() -> new DatagramSocket(67));
        Call<Void> serving = serve(socket);
        try (Example client = Example.start(network, directory, DhcpClient.class, "v0", resolv.toString(),
                Long.toString(UID))) {
            client.program().awaitLine("bound to 192.0.2.77/24 for 20 s");
            assertThat(Example.awaitLine(resolv, "198.51.100.53")).isEqualTo("nameserver 198.51.100.53");
            assertThat(resolv).hasContent("nameserver 192.0.2.53\nnameserver 198.51.100.53");
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

    private static byte[] frame(Random random) {
        ByteBuffer frame = ByteBuffer.wrap(Question.DISCOVER.frame(7, HARDWARE, java.util.Optional.empty()).array());
        byte[] message = Arrays.copyOfRange(frame.array(), 42, frame.capacity());
        ByteBuffer answer = answer(ByteBuffer.wrap(message));
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
