package org.imsg.harness.junit;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.time.Duration;

import org.imsg.Imsg;
import org.imsg.ImsgChannel;
import org.imsg.ImsgListener;
import org.imsg.WireFormat;
import org.imsg.harness.debian.DebianSuite;
import org.imsg.harness.debian.Ntpd;
import org.imsg.harness.scripted.Expected;
import org.imsg.harness.scripted.ScriptedPeer;
import org.imsg.harness.stream.Chunk;
import org.imsg.harness.stream.RawSocket;
import org.imsg.unix.Fd;
import org.imsg.unix.OpenFlag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

// @start region="example"
@ImsgTest
@Timeout(60)
class ImsgExtensionTest {
    private static final Duration PATIENCE = Duration.ofSeconds(10);
    private static final int PING = 1;
    private static final int PONG = 2;

    @Test
    void a_channel_talks_with_a_scripted_peer(ImsgChannel channel, ScriptedPeer peer) throws Exception {
        channel.send(Imsg.of(PING, "hello"));
        peer.expect(Expected.type(PING).withoutDescriptor());
        peer.send(PONG, new byte[0]);
        assertThat(channel.receive(PATIENCE).type()).isEqualTo(PONG);
    }

    @Test
    void a_peer_answers_beside_the_test(ImsgChannel channel, @Speaks(WireFormat.CLASSIC) ScriptedPeer peer)
            throws Exception {
        peer.follow(daemon -> {
            daemon.expect(Expected.type(PING));
            daemon.send(PONG, new byte[0]);
            daemon.expectEnd();
        });
        channel.send(Imsg.of(PING, "hello"));
        assertThat(channel.receive(PATIENCE).type()).isEqualTo(PONG);
    }

    @Test
    void a_real_daemon_is_started_and_ended(@FromDebian(DebianSuite.FORKY) Ntpd ntpd) throws Exception {
        try (ImsgChannel channel = ImsgChannel.connect(ntpd.socket())) {
            channel.send(Imsg.of(10));
            assertThat(channel.receive(PATIENCE).type()).isEqualTo(10);
        }
    }
    // @end

    @Test
    void pairs_and_listeners_are_connected_and_of_their_own(ImsgChannel.Pair channels, RawSocket.Pair raw,
            Fd.Pair descriptors, ImsgListener listener) throws Exception {
        channels.first().send(Imsg.of(PING).withFd(Fd.open(Path.of("/dev/null"), OpenFlag.READ)));
        try (Imsg message = channels.second().receive(PATIENCE)) {
            assertThat(message.hasFd()).isTrue();
        }
        raw.first().send(new byte[]{1});
        try (Chunk chunk = raw.second().receive(PATIENCE)) {
            assertThat(chunk.bytes()).containsExactly(1);
        }
        assertThat(descriptors.first().isOpen()).isTrue();
        try (ImsgChannel client = ImsgChannel.connect(listener.address().path());
                ImsgChannel server = listener.accept(PATIENCE)) {
            client.send(Imsg.of(PONG));
            assertThat(server.receive(PATIENCE).type()).isEqualTo(PONG);
        }
    }
}
