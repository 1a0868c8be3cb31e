package org.imsg.interop;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.Channels;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;

import org.imsg.WireFormat;
import org.imsg.harness.record.Event;
import org.imsg.harness.stream.Chunk;
import org.imsg.harness.stream.RawSocket;
import org.imsg.unix.Fd;
import org.imsg.unix.FdChannel;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What imsg(3) does with a descriptor that does not come with the first byte of its message; {@link ImsgPeerContract} has what we do. */
@Timeout(60)
class LateDescriptorTest {
    private static final Duration PATIENCE = Duration.ofSeconds(10);
    private static final int HEADER = 16;

    @ParameterizedTest
    @EnumSource(value = WireFormat.class, names = {"CLASSIC", "MODERN"})
    void a_descriptor_that_comes_with_the_rest_of_a_header_is_the_messages_in_C_too(WireFormat format)
            throws Exception {
        byte[] header = Event.header(format, 10, HEADER, true, 0, 1);
        for (int at = 1; at < HEADER; at++)
            try (Fd.Pair sockets = Fd.socketpair();
                    CPeer peer = CPeer.start(format, sockets.second(), "recvfd", "written by C");
                    RawSocket socket = RawSocket.of(sockets.first());
                    Fd.Pair pipe = Fd.pipe();
                    FdChannel written = new FdChannel(pipe.first())) {
                socket.send(Arrays.copyOf(header, at));
                assertThat(socket.awaitRead(PATIENCE)).isTrue();
                socket.send(Arrays.copyOfRange(header, at, HEADER), List.of(pipe.second()));
                pipe.second().close();
                try (Chunk answer = socket.receive(PATIENCE)) {
                    assertThat(ByteBuffer.wrap(answer.bytes()).order(ByteOrder.nativeOrder()).getInt())
                            .as("cut at %d: the type of the answer, 12 to a message without a descriptor", at)
                            .isEqualTo(11);
                }
                assertThat(new String(Channels.newInputStream(written).readAllBytes(), UTF_8))
                        .isEqualTo("written by C");
                socket.shutdownOutput();
                assertThat(peer.awaitEnd()).isEqualTo(CPeer.End.QUIET);
            }
    }
}
