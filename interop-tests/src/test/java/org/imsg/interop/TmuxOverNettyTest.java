package org.imsg.interop;

class TmuxOverNettyTest extends TmuxContract {
    @Override
    Transport.Kind kind() {
        return NettyKind.EPOLL;
    }
}
