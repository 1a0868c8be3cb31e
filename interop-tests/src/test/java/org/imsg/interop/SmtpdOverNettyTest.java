package org.imsg.interop;

import org.imsg.netty.LeakDetection;
import org.junit.jupiter.api.extension.ExtendWith;

@ExtendWith(LeakDetection.class)
class SmtpdOverNettyTest extends SmtpdContract {
    @Override
    Transport.Kind kind() {
        return NettyKind.EPOLL;
    }
}
