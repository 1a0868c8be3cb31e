package org.imsg.interop;

class BgpdOverNettyTest extends BgpdContract {
    @Override
    Transport.Kind kind() {
        return NettyKind.EPOLL;
    }
}
