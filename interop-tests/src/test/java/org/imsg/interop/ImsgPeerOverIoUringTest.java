package org.imsg.interop;

import java.util.Arrays;
import java.util.stream.Stream;
import org.imsg.WireFormat;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.params.provider.Arguments;

/** The same on io_uring, where the kernel has it; in one format, which is the codec's affair and not the event loop's. */
class ImsgPeerOverIoUringTest extends ImsgPeerOverNettyTest {
    static Stream<Arguments> wirings() {
        return Arrays.stream(Wiring.values()).map(wiring -> Arguments.of(WireFormat.CLASSIC, wiring));
    }

    @BeforeAll
    static void needsIoUring() {
        Assumptions.assumeTrue(NettyKind.IO_URING.isHere(), "no io_uring here");
    }

    @Override
    Transport.Kind kind() {
        return NettyKind.IO_URING;
    }
}
