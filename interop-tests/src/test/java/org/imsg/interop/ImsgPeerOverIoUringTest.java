package org.imsg.interop;

import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;

/** The same on io_uring, where the kernel has it. */
class ImsgPeerOverIoUringTest extends ImsgPeerOverNettyTest {
    @BeforeAll
    static void needsIoUring() {
        Assumptions.assumeTrue(NettyKind.IO_URING.isHere(), "no io_uring here");
    }

    @Override
    Transport.Kind kind() {
        return NettyKind.IO_URING;
    }
}
