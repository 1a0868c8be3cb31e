package org.imsg.netty;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.bootstrap.ServerBootstrap;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.epoll.EpollServerSocketChannel;
import io.netty.channel.unix.UnixChannel;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import org.imsg.sys.Constants;
import org.imsg.sys.Posix;
import org.imsg.unix.Child;
import org.imsg.unix.Fd;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;

/** TCP sockets of Netty's own channels, passed to another process that serves them. */
@ExtendWith(LeakDetection.class)
@Timeout(60)
class HandoverTest {
    private final Events events = new Events();
    private Child worker;
    private Channel toWorker;

    @BeforeEach
    void startWorker() throws Exception {
        Fd.Pair pair = Fd.socketpair();
        worker = ChildJvm.start(Worker.class, pair.second());
        pair.second().close();
        toWorker = Wire.open(Loops.EPOLL.group(), pair.first(), Worker.codec(), events);
    }

    @AfterEach
    void stopWorker() throws Exception {
        toWorker.close().sync();
        assertThat(worker.waitFor().success()).isTrue();
    }

    @Test
    void a_listening_socket_that_one_process_bound_is_served_by_another() throws Exception {
        Channel bound = new ServerBootstrap().group(Loops.EPOLL.group()).channel(EpollServerSocketChannel.class)
                .option(io.netty.channel.ChannelOption.AUTO_READ, false).childHandler(new LineAnswers())
                .bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0)).sync().channel();
        InetSocketAddress address = (InetSocketAddress) bound.localAddress();
        Fd listener = Handover.descriptorOf((UnixChannel) bound);
        bound.close().sync();
        makeBlocking(listener); // as one that was bound without Netty is: a client that gave up would hold the worker's loop
        Fd ours = listener.dup(); // shares the flags with the worker's
        toWorker.writeAndFlush(new ImsgMessage(Worker.LISTENER, 0, 0, Unpooled.EMPTY_BUFFER, listener)).sync();
        assertReady();
        try (ours) {
            assertThat(flags(ours) & Constants.O_NONBLOCK).isNotZero();
        }
        try (Socket client = new Socket(address.getAddress(), address.getPort())) {
            client.setSoTimeout(10_000);
            client.getOutputStream().write("hello\n".getBytes(StandardCharsets.US_ASCII));
            assertThat(reader(client).readLine()).isEqualTo(worker.pid() + " hello");
        }
    }

    @Test
    void a_connection_goes_to_another_process_in_mid_stream_without_losing_a_byte() throws Exception {
        int lines = 20_000;
        int answeredHere = 5_000;
        Channel server = new ServerBootstrap().group(Loops.EPOLL.group()).channel(EpollServerSocketChannel.class)
                .childHandler(new ChannelInitializer<>() {
                    @Override
                    protected void initChannel(Channel connection) {
                        connection.pipeline().addLast(new LineAnswers(answeredHere, HandoverTest.this::pass));
                    }
                }).bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0)).sync().channel();
        InetSocketAddress address = (InetSocketAddress) server.localAddress();
        try (Socket client = new Socket(address.getAddress(), address.getPort())) {
            Thread sender = Thread.ofPlatform().start(() -> send(client, lines));
            BufferedReader answers = reader(client);
            for (int i = 0; i < lines; i++) {
                long pid = i < answeredHere ? ProcessHandle.current().pid() : worker.pid();
                assertThat(answers.readLine()).isEqualTo(pid + " line " + i);
            }
            sender.join();
            assertReady();
        } finally {
            server.close().sync();
        }
    }

    private static void makeBlocking(Fd socket) {
        int flags = flags(socket) & ~Constants.O_NONBLOCK;
        assertThat(Posix.fcntl(socket.intValue(), Constants.F_SETFL, flags)).isZero();
    }

    private static int flags(Fd socket) {
        return Posix.fcntl(socket.intValue(), Constants.F_GETFL, 0);
    }

    private void pass(ByteBuf unanswered, Fd connection) {
        toWorker.writeAndFlush(new ImsgMessage(Worker.CONNECTION, 0, 0, unanswered, connection));
    }

    private void assertReady() throws InterruptedException {
        ImsgMessage ready = events.next(ImsgMessage.class);
        assertThat(ready.type()).isEqualTo(Worker.READY);
        ready.release();
    }

    private static void send(Socket client, int lines) {
        try {
            OutputStream out = client.getOutputStream();
            for (int i = 0; i < lines; i++)
                out.write(("line " + i + '\n').getBytes(StandardCharsets.US_ASCII));
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    private static BufferedReader reader(Socket client) throws IOException {
        return new BufferedReader(new InputStreamReader(client.getInputStream(), StandardCharsets.US_ASCII));
    }
}
