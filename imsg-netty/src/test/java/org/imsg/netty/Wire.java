package org.imsg.netty;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.bootstrap.Bootstrap;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandler;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoopGroup;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.stream.Stream;
import org.imsg.sys.Msghdr;
import org.imsg.unix.Fd;
import org.imsg.unix.FdChannel;

/** The far end of a channel under test: a blocking socket and bare sendmsg and recvmsg calls, as a C peer makes them. */
final class Wire implements AutoCloseable {
    private final Fd socket;
    private final Msghdr toSend = Msghdr.forSend(Arena.ofAuto());
    private final Msghdr toReceive = Msghdr.forReceive(true, Arena.ofAuto());

    Wire(Fd socket) {
        this.socket = socket;
    }

    /** What one recvmsg gave; of the descriptors only the first. */
    record Received(String text, int descriptors, Fd fd) {}

    Fd socket() {
        return socket;
    }

    void send(String text, Fd... fd) {
        send(text.getBytes(StandardCharsets.ISO_8859_1), fd);
    }

    void send(byte[] bytes, Fd... fd) {
        sendKeeping(bytes, fd);
        for (Fd each : fd)
            each.close();
    }

    void sendKeeping(byte[] bytes, Fd... fd) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment memory = arena.allocateFrom(ValueLayout.JAVA_BYTE, bytes);
            int sent = 0;
            while (sent < bytes.length) {
                int[] along = sent > 0 ? new int[0] : Stream.of(fd).mapToInt(Fd::intValue).toArray();
                int n = toSend.send(socket.intValue(), memory.address() + sent, bytes.length - sent, along, 0);
                assertThat(n).isPositive();
                sent += n;
            }
        }
    }

    /** One recvmsg; the text is null at the end of the stream. */
    Received receive() {
        return receive(65536);
    }

    Received receive(int most) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment memory = arena.allocate(most);
            int n = toReceive.receive(socket.intValue(), memory.address(), most, 0);
            assertThat(n).isNotNegative();
            Fd first = toReceive.descriptorCount() > 0 ? Fd.of(toReceive.descriptor(0)) : null;
            byte[] bytes = memory.asSlice(0, n).toArray(ValueLayout.JAVA_BYTE);
            return new Received(n == 0 ? null : new String(bytes, StandardCharsets.ISO_8859_1),
                    toReceive.descriptorCount(), first);
        }
    }

    String text(int length) {
        StringBuilder text = new StringBuilder();
        while (text.length() < length) {
            Received received = receive();
            assertThat(received.text()).as("after " + text.length() + " of " + length + " bytes").isNotNull();
            text.append(received.text());
            if (received.fd() != null)
                received.fd().close();
        }
        return text.toString();
    }

    @Override
    public void close() {
        socket.close();
    }

    /** A channel on one end of a socketpair, with its handlers, registered and active. */
    static Channel open(EventLoopGroup group, Fd end, Map<ChannelOption<?>, Object> options,
            ChannelHandler... handlers) {
        return open(new Bootstrap().group(group).channelFactory(() -> new ImsgSocketChannel(end))
                .option(ImsgChannelOption.ALLOW_FD_PASSING, true), options, handlers);
    }

    /** The same, of Netty's own too. */
    static Channel open(Loops loops, Fd end, Map<ChannelOption<?>, Object> options, ChannelHandler... handlers) {
        return open(loops, loops.group(), end, options, handlers);
    }

    static Channel open(Loops loops, EventLoopGroup group, Fd end, Map<ChannelOption<?>, Object> options,
            ChannelHandler... handlers) {
        if (loops != Loops.NETTYS_OWN)
            return open(group, end, options, handlers);
        return open(new Bootstrap().group(group).channelFactory(() -> loops.channel(end)), options, handlers);
    }

    static Channel open(Loops loops, Fd end, ChannelHandler... handlers) {
        return open(loops, end, Map.of(), handlers);
    }

    private static Channel open(Bootstrap bootstrap, Map<ChannelOption<?>, Object> options,
            ChannelHandler... handlers) {
        bootstrap.handler(new ChannelInitializer<>() {
            @Override
            protected void initChannel(Channel channel) {
                channel.pipeline().addLast(handlers);
            }
        });
        options.forEach((option, value) -> set(bootstrap, option, value));
        return bootstrap.register().syncUninterruptibly().channel();
    }

    @SuppressWarnings("unchecked")
    static <T> void set(Bootstrap bootstrap, ChannelOption<?> option, Object value) {
        bootstrap.option((ChannelOption<T>) option, (T) value);
    }

    static Channel open(EventLoopGroup group, Fd end, ChannelHandler... handlers) {
        return open(group, end, Map.of(), handlers);
    }

    static ByteBuf bytes(String text) {
        return Unpooled.copiedBuffer(text, StandardCharsets.ISO_8859_1);
    }

    /** The reading end of a pipe with a text in it. */
    static Fd pipeSaying(String text) throws IOException {
        try (Fd.Pair pipe = Fd.pipe(); FdChannel in = new FdChannel(pipe.second())) {
            in.write(ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8)));
            return pipe.first().move();
        }
    }

    /** Everything that a descriptor has to say; it is closed then. */
    static String say(Fd fd) throws IOException {
        assertThat(fd).as("a descriptor").isNotNull();
        try (FdChannel out = new FdChannel(fd)) {
            ByteBuffer buffer = ByteBuffer.allocate(1000);
            while (out.read(buffer) > 0)
                continue;
            return new String(buffer.array(), 0, buffer.position(), StandardCharsets.UTF_8);
        }
    }
}
