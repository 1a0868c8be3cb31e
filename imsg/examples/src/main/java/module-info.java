/** Programs to learn from. They use the public API only, and a test runs each. */
module org.imsg.examples {
    requires org.imsg.netty;
    requires org.imsg.privsep;
    requires io.netty.codec;
    requires io.netty.codec.http;
    requires io.netty.transport.classes.epoll;
}
