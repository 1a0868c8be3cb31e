package org.imsg.interop;

import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import java.nio.channels.ClosedChannelException;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.imsg.netty.LeakDetection;
import org.junit.jupiter.api.extension.ExtendWith;

/** The channels of {@code org.imsg.netty} on epoll against imsg-peer. */
@ExtendWith(LeakDetection.class)
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
