package org.imsg.interop;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;

import org.imsg.DescriptorState;
import org.imsg.WireFormat;
import org.imsg.unix.Fd;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A channel that is not told the format, and two C programs one after the other at its other end. */
@Timeout(60)
class AutoFormatTest {
    @ParameterizedTest
    @EnumSource(value = WireFormat.class, names = {"CLASSIC", "MODERN"})
    void a_peer_that_marked_a_descriptor_is_answered_in_its_format(WireFormat format) throws Exception {
        WireFormat wrong = format == WireFormat.CLASSIC ? WireFormat.MODERN : WireFormat.CLASSIC;
        try (Fd.Pair sockets = Fd.socketpair();
                Transport channel = CoreTransport.KIND.over(sockets.first(), Transport.Settings.autoAssuming(wrong))) {
            try (CPeer sender = CPeer.start(format, sockets.second(), "sendfd", "/dev/null")) {
                try (Message message = channel.receive()) {
                    assertThat(message.descriptor()).isEqualTo(DescriptorState.PRESENT);
                }
                assertThat(sender.awaitEnd()).isEqualTo(CPeer.End.QUIET);
            }
            try (CPeer receiver = CPeer.start(format, sockets.second(), "sink")) {
                channel.send(1, 0, 0, Fd.open(Path.of("/dev/null")), new byte[3]);
                channel.shutdownOutput();
                assertThat(receiver.awaitEnd())
                        .isEqualTo(new CPeer.End(0, 0, "messages=1 bytes=3 descriptors=1 sum=0\n", ""));
            }
        }
    }
}
