package org.imsg.interop;

class SmtpdOverNettyTest extends SmtpdContract {
    @Override
    Transport.Kind kind() {
        return NettyKind.EPOLL;
    }
}
