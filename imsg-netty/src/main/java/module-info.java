import org.jspecify.annotations.NullMarked;

/**
 * imsg for Netty 4.2: channels that carry bytes and descriptors together on Netty's native transports, the codec of
 * messages on them, and the handlers a daemon needs.
 *
 * <p>The transports are optional: a program names the one it uses, {@code io.netty.transport.classes.epoll},
 * {@code io.netty.transport.classes.kqueue} or {@code io.netty.transport.classes.io_uring}, and brings its native jar.
 * Needs {@code --enable-native-access} for {@code org.imsg}, {@code io.netty.common}, {@code io.netty.transport.unix.common}
 * and the transport's module.
 */
@NullMarked
module org.imsg.netty {
    requires static jdk.jfr;
    requires static org.jspecify;
    requires transitive org.imsg;
    requires transitive io.netty.common;
    requires transitive io.netty.buffer;
    requires transitive io.netty.transport;
    requires transitive io.netty.transport.unix.common;
    requires static io.netty.transport.classes.epoll;
    requires static io.netty.transport.classes.kqueue;
    requires static io.netty.transport.classes.io_uring;

    exports org.imsg.netty;
    exports org.imsg.netty.handler;
}
