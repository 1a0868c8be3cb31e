package org.imsg.netty;

import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.epoll.EpollServerDomainSocketChannel;
import io.netty.channel.unix.DomainSocketAddress;
import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.logging.Logger;
import org.imsg.DescriptorState;
import org.imsg.WireFormat;
import org.imsg.unix.Errno;
import org.imsg.unix.ErrnoException;
import org.imsg.unix.Fd;
import org.imsg.unix.Sockets;

/** A server whose process has no descriptor left, its connections on a kind of loop: it goes on, says what it lost, and recovers. */
final class FullTable {
    private static final BlockingQueue<Events> CHILDREN = new LinkedBlockingQueue<>();

    private FullTable() {}

    public static void main(String[] args) {
        ChildJvm.exitAfter(() -> run(Loops.valueOf(args[0]).newGroup(1)));
    }

    private static void run(EventLoopGroup children) throws Exception {
        // Classes that lie in directories, and time zones, cannot be loaded any more when the table is full.
        Logger.getLogger(FullTable.class.getName()).warning("logging works, before the table is full");
        System.out.println("a full table is " + new ErrnoException("dup", Errno.number("EMFILE")).name());
        EventLoopGroup loop = new MultiThreadIoEventLoopGroup(1, EpollIoHandler.newFactory());
        Path directory = Files.createTempDirectory("imsg");
        Path path = directory.resolve("s");
        new ServerBootstrap().group(loop, children).channel(EpollServerDomainSocketChannel.class)
                .handler(new ImsgServer())
                .childOption(ImsgChannelOption.ALLOW_FD_PASSING, true).childHandler(new ChannelInitializer<>() {
                    @Override
                    protected void initChannel(Channel channel) {
                        Events events = new Events();
                        channel.pipeline().addLast(new ImsgCodec().format(WireFormat.MODERN), events);
                        CHILDREN.add(events);
                    }
                }).bind(new DomainSocketAddress(path.toFile())).sync();
        Wire first = connect(path, Sockets.socket());
        Events firstEvents = accepted();
        send(first, firstEvents, DescriptorState.PRESENT, "before");
        Fd toConnectLater = Sockets.socket();
        List<Fd> table = fill();
        // Passed on as long as it is open itself: the receiver finds no free number.
        first.sendKeeping(Messages.marked(1, 0, "while full"), table.getFirst());
        if (expect(firstEvents, "while full") != DescriptorState.LOST)
            throw new AssertionError("a descriptor found room in a full table");
        Wire second = connect(path, toConnectLater);
        second.send(Messages.plain(2, 0, "waiting to be accepted"));
        send(first, firstEvents, DescriptorState.NONE, "still served");
        System.out.println("full: served on");
        table.forEach(Fd::close);
        Events secondEvents = accepted();
        expect(secondEvents, "waiting to be accepted");
        send(second, secondEvents, DescriptorState.PRESENT, "after");
        send(first, firstEvents, DescriptorState.PRESENT, "after");
        System.out.println("free: recovered");
        Files.delete(path);
        Files.delete(directory);
    }

    private static Wire connect(Path path, Fd socket) throws IOException {
        int result = SocketCalls.connect(socket, UnixDomainSocketAddress.of(path));
        if (result != 0)
            throw new ErrnoException("connect", -result);
        return new Wire(socket);
    }

    private static Events accepted() throws InterruptedException {
        Events events = CHILDREN.poll(20, TimeUnit.SECONDS);
        if (events == null)
            throw new AssertionError("not accepted within 20 seconds");
        return events;
    }

    private static void send(Wire peer, Events events, DescriptorState state, String text) throws Exception {
        if (state == DescriptorState.PRESENT)
            peer.send(Messages.marked(1, 0, text), Fd.open(Path.of("/dev/null")));
        else
            peer.send(Messages.plain(1, 0, text));
        if (expect(events, text) != state)
            throw new AssertionError(text + ": the descriptor is not " + state);
    }

    private static DescriptorState expect(Events events, String text) throws Exception {
        ImsgMessage message = events.next(ImsgMessage.class);
        DescriptorState state = message.descriptor();
        if (!Messages.text(message).equals(text))
            throw new AssertionError(message + " is not " + text);
        System.out.println(text + ": descriptor " + state);
        message.release();
        return state;
    }

    /** Opens descriptors until there is no room. */
    private static List<Fd> fill() throws IOException {
        List<Fd> opened = new ArrayList<>();
        try {
            Fd any = Fd.open(Path.of("/dev/null"));
            for (;; any = any.dup())
                opened.add(any);
        } catch (ErrnoException e) {
            if (!e.name().equals("EMFILE"))
                throw e;
            return opened;
        }
    }
}
