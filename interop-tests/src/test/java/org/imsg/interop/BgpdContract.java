package org.imsg.interop;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;

import org.imsg.WireFormat;
import org.imsg.harness.debian.Bgpd;
import org.imsg.harness.debian.DebianSuite;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The real bgpd tells its neighbors, and a routing table of 100 000 routes to the last. */
@RealPeers
@Timeout(180)
abstract class BgpdContract {
    private static final int END = 1;
    private static final int SHOW_NEIGHBOR = 13;
    private static final int SHOW_RIB = 16;
    private static final int ROUTES = 100_000;
    private static final int FIRST_NETWORK = 10 << 24;
    /** bgpd sends a reply to the first connection that used the request's pid: each has its own here. */
    private static final int PID = 0x10000000;

    /** Where things are in bgpd's structs, in bytes, and the numbers of requests; they change with its version. */
    private record Layout(int descriptionAt, int ribRequestSize, int ribPrefixAt, int ribPrefixLengthAt, int ribMem,
            int networkAdd, int networkDone, int filterSet, int networkSize, int networkLengthAt, int aidAt) {
        static Layout of(DebianSuite suite) {
            return switch (suite) {
                case BOOKWORM -> new Layout(432, 616, 96, 256, 21, 29, 34, 0, 216, 206, 28);
                case TRIXIE -> new Layout(336, 728, 144, 384, 22, 30, 35, 0, 240, 230, 52);
                case FORKY -> new Layout(336, 728, 144, 384, 22, 30, 35, 40, 248, 238, 52);
            };
        }
    }

    abstract Transport.Kind kind();

    @ParameterizedTest
    @EnumSource
    void neighbors_are_told_one_a_message_up_to_the_end(DebianSuite suite) throws Exception {
        List<Bgpd.ConfiguredNeighbor> neighbors = List.of(new Bgpd.ConfiguredNeighbor("127.0.0.2", 65002, "upstream"),
                new Bgpd.ConfiguredNeighbor("127.0.0.3", 65003, "exchange"),
                new Bgpd.ConfiguredNeighbor("127.0.0.4", 65004, "customer"));
        try (Bgpd bgpd = Bgpd.start(Peers.chroot(suite), 65001, neighbors);
                Transport control = connect(bgpd)) {
            System.out.println("peers: bgpd " + bgpd.version() + " on " + suite);
            control.send(SHOW_NEIGHBOR, 0, PID, null, new byte[0]);
            List<String> descriptions = new ArrayList<>();
            Message message;
            while ((message = control.receive()).type() == SHOW_NEIGHBOR)
                descriptions.add(string(message.payload(), Layout.of(suite).descriptionAt));
            assertThat(message.type()).isEqualTo(END);
            assertThat(descriptions).containsExactlyInAnyOrder("upstream", "exchange", "customer");
        }
    }

    @ParameterizedTest
    @EnumSource
    void a_hundred_thousand_routes_arrive_and_none_is_lost(DebianSuite suite) throws Exception {
        Layout layout = Layout.of(suite);
        try (Bgpd bgpd = Bgpd.start(Peers.chroot(suite), 65001,
                List.of(new Bgpd.ConfiguredNeighbor("127.0.0.2", 65002, "x")));
                Transport control = connect(bgpd)) {
            for (int i = 0; i < ROUTES; i++) {
                control.compose(layout.networkAdd, 0, PID, network(layout, i));
                if (layout.filterSet != 0)
                    control.compose(layout.filterSet, 0, PID, new byte[2]);
                control.compose(layout.networkDone, 0, PID, new byte[0]);
                if (i % 100 == 99)
                    control.flush();
            }
            // Each is in two tables when it has been dealt with.
            while (prefixes(control, layout) < 2L * ROUTES)
                Thread.onSpinWait();

            control.send(SHOW_RIB, 0, PID, null, new byte[layout.ribRequestSize]);
            BitSet seen = new BitSet(ROUTES);
            Message message;
            while ((message = control.receive()).type() == SHOW_RIB) {
                int index = network(layout, message.payload());
                assertThat(seen.get(index)).as("route %d comes once", index).isFalse();
                seen.set(index);
            }
            assertThat(message.type()).isEqualTo(END);
            assertThat(seen.cardinality()).isEqualTo(ROUTES);
            assertThat(seen.nextClearBit(0)).isEqualTo(ROUTES);
        }
    }

    private Transport connect(Bgpd bgpd) throws IOException {
        return kind().connect(bgpd.socket(), Transport.Settings.of(WireFormat.AUTO));
    }

    private static long prefixes(Transport control, Layout layout) throws IOException {
        control.send(layout.ribMem, 0, PID, null, new byte[0]);
        Message statistics = control.receive();
        assertThat(statistics.type()).isEqualTo(layout.ribMem);
        return host(statistics.payload()).getLong(16);
    }

    /** A struct network_config for 10.0.0.0/24 and those behind it. */
    private static byte[] network(Layout layout, int index) {
        byte[] config = new byte[layout.networkSize];
        ByteBuffer.wrap(config).putInt(0, FIRST_NETWORK + (index << 8)).put(layout.aidAt, (byte) 1)
                .put(layout.networkLengthAt, (byte) 24);
        return config;
    }

    private static int network(Layout layout, byte[] rib) {
        assertThat(rib[layout.ribPrefixLengthAt]).isEqualTo((byte) 24);
        return ByteBuffer.wrap(rib).getInt(layout.ribPrefixAt) - FIRST_NETWORK >> 8;
    }

    private static String string(byte[] payload, int at) {
        int end = at;
        while (payload[end] != 0)
            end++;
        return new String(payload, at, end - at, StandardCharsets.UTF_8);
    }

    private static ByteBuffer host(byte[] payload) {
        return ByteBuffer.wrap(payload).order(ByteOrder.nativeOrder());
    }
}
