package org.imsg.interop;

import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import java.nio.channels.ClosedChannelException;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;

/** The channels of {@code org.imsg.netty} on epoll against imsg-peer. */
class ImsgPeerOverNettyTest extends ImsgPeerContract {
    @Override
    Transport.Kind kind() {
        return NettyKind.EPOLL;
    }

    @Override
    void assertGone(ThrowingCallable send) {
        assertThatExceptionOfType(ClosedChannelException.class).isThrownBy(send);
    }
}
