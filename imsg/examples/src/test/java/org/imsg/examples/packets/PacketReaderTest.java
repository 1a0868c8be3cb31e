package org.imsg.examples.packets;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;

import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.imsg.ImsgChannel;
import org.imsg.examples.Example;
import org.imsg.privsep.ops.Privileged;
import org.imsg.testing.ProcStatus;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Packets of a file and of the network, the names in their lines, and what the process that parses them can do. */
@Timeout(90)
class PacketReaderTest {
    private static final long UID = 64012;
    /** From 02:00:00:00:00:01 to 02:00:00:00:00:02, 127.0.0.1 port 7001 to port 7000, UDP; version 2 of program 500009. */
    private static final byte[] CALL = HexFormat.of().parseHex("020000000002" + "020000000001" + "0800"
            + "4500003400000000" + "40110000" + "7f000001" + "7f000001" + "1b591b5800200000"
            + "00000001" + "00000000" + "00000002" + "0007a129" + "00000002" + "00000000");
    private static final byte[] ARP = HexFormat.of().parseHex("ffffffffffff" + "020000000001" + "0806" + "0001");

    @TempDir
    private Path directory;

    private Path output() {
        return directory.resolve("output");
    }

    private Example start(String source) throws Exception {
        Path names = Files.createDirectory(directory.resolve("names"));
        Files.writeString(names.resolve("ethers"), "2:0:0:0:0:1 camera\n2:0:0:0:0:3 cam\u009b2Jera\n", ISO_8859_1);
        Files.writeString(names.resolve("services"), "tea 7000/udp\n");
        Files.writeString(names.resolve("rpc"), "kettled 500009\n");
        return Example.start(Example.newNetwork(), directory, PacketReader.class, source, output().toString(),
                names.toString(), Long.toString(UID));
    }

    private Path capture(Instant time, byte[]... frames) throws Exception {
        ByteBuffer file = ByteBuffer.allocate(1 << 16).order(ByteOrder.BIG_ENDIAN);
        file.putInt(0xA1B2C3D4).putShort((short) 2).putShort((short) 4).putLong(0).putInt(65535).putInt(1);
        for (byte[] frame : frames)
            file.putInt((int) time.getEpochSecond()).putInt(time.getNano() / 1000).putInt(frame.length)
                    .putInt(frame.length).put(frame);
        return Files.write(directory.resolve("capture"), java.util.Arrays.copyOf(file.array(), file.position()));
    }

    @Test
    void a_capture_is_printed_with_the_names_and_the_local_time_of_the_parent_and_then_the_program_ends()
            throws Exception {
        Path capture = capture(Instant.parse("2026-01-02T20:00:00.000123Z"), CALL, ARP,
                java.util.Arrays.copyOf(CALL, 30), HexFormat.of().parseHex("ffffffffffff" + "020000000003" + "0806"));
        try (Example reader = start(capture.toString())) {
            assertThat(reader.program().awaitEnd()).noneMatch(line -> line.contains("no more packets"));
            String time = "2026-01-03 05:00:00.000123 ";
            String host = InetAddress.getByName("127.0.0.1").getCanonicalHostName();
            assertThat(Files.readAllLines(output())).containsExactly(
                    time + "camera > 02:00:00:00:00:02, " + host + ".7001 > " + host
                            + ".tea: udp, call of kettled, 66 bytes",
                    time + "camera > ff:ff:ff:ff:ff:ff type 0806, 16 bytes",
                    time + "camera > 02:00:00:00:00:02 type 0800, 30 bytes, cut",
                    time + "cam?2Jera > ff:ff:ff:ff:ff:ff type 0806, 14 bytes");
        }
    }

    @Test
    void what_is_no_capture_is_reported_by_the_child_and_nothing_is_printed() throws Exception {
        Path file = Files.write(directory.resolve("capture"), new byte[1000]);
        try (Example reader = start(file.toString())) {
            assertThat(reader.program().awaitEnd()).anyMatch(line -> line.contains("no capture file"));
            assertThat(output()).isEmptyFile();
        }
    }

    @Test
    void a_capture_that_is_not_there_is_reported_and_the_program_ends() throws Exception {
        try (Example reader = start(directory.resolve("missing").toString())) {
            assertThat(reader.program().awaitEnd()).anyMatch(line -> line.contains("missing"));
            assertThat(output()).doesNotExist();
        }
    }

    @Test
    void the_network_is_read_by_a_process_that_has_the_packets_its_output_and_no_right_and_no_network()
            throws Exception {
        try (Example reader = start(PacketReaderSettings.NETWORK)) {
            reader.program().awaitLine("reading");
            reader.network().call(() -> {
                try (DatagramSocket client = new DatagramSocket()) {
                    client.send(new DatagramPacket(CALL, 42, 24, new InetSocketAddress("127.0.0.1", 7000)));
                }
                return null;
            });
            assertThat(Example.awaitLine(output(), "call of kettled")).contains(".tea: udp, ");

            ProcStatus child = reader.assertConfined("reader", UID);
            ProcStatus parent = reader.program().parent();
            assertThat(child.holdings(parent)).containsExactly(output().toString(), "packet", "unix stream",
                    "unix stream");
            assertThat(child.distinct("CapBnd")).containsEntry("CapBnd", Set.of("0000000000000000"));
            assertThat(child.namespacesApartFrom(parent)).containsExactly("ipc", "net", "uts");
            assertThat(parent.holdings(parent)).as("what it opened is passed on; /dev/null holds a place")
                    .containsExactly("/dev/null", "pipe", "pipe", "unix stream", "unix stream");
            assertThat(reader.program().stop()).noneMatch(line -> line.contains("SEVERE"));
        }
    }

    /** As those of a stranger's name server that lets the parent wait: packets are printed all the same. */
    @Test
    void a_look_up_that_fails_leaves_the_number() throws Exception {
        try (ImsgChannel.Pair ends = ImsgChannel.pair(); Privileged gone = Privileged.over(ends.first())) {
            ends.second().close();
            assertThat(new Names(gone.lookups()).line(Instant.EPOCH, Packet.parse(ByteBuffer.wrap(CALL)))).isEqualTo(
                    "1970-01-01 00:00:00.000000 02:00:00:00:00:01 > 02:00:00:00:00:02, 127.0.0.1.7001 > 127.0.0.1.7000:"
                            + " udp, call of 500009, 66 bytes");
        }
    }

    @Test
    void any_bytes_are_a_packet() {
        long seed = new Random().nextLong();
        Random random = new Random(seed);
        for (int i = 0; i < 20_000; i++) {
            byte[] frame = java.util.Arrays.copyOf(CALL, random.nextInt(CALL.length + 1));
            for (int flips = random.nextInt(4); flips > 0 && frame.length > 0; flips--)
                frame[random.nextInt(frame.length)] = (byte) random.nextInt();
            assertThat(Packet.parse(ByteBuffer.wrap(frame)).length()).as("seed %d", seed).isEqualTo(frame.length);
        }
        assertThat(List.of(Packet.parse(ByteBuffer.allocate(0)).isCut(), Packet.parse(ByteBuffer.wrap(CALL)).isCut()))
                .containsExactly(true, false);
    }
}
