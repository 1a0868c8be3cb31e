package org.imsg.netty;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.imsg.netty.Wire.bytes;
import static org.imsg.netty.Wire.pipeSaying;

import io.netty.buffer.ByteBufAllocator;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelOption;
import io.netty.channel.DefaultFileRegion;
import io.netty.handler.codec.UnsupportedMessageTypeException;
import io.netty.handler.ssl.NotSslRecordException;
import io.netty.handler.ssl.SslCloseCompletionEvent;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslContextBuilder;
import io.netty.handler.ssl.SslHandler;
import io.netty.handler.ssl.SslHandshakeCompletionEvent;
import io.netty.handler.ssl.SslProvider;
import io.netty.handler.stream.ChunkedFile;
import io.netty.handler.stream.ChunkedWriteHandler;
import java.io.InputStream;
import java.nio.channels.ClosedChannelException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.security.cert.X509Certificate;
import java.util.Map;
import javax.net.ssl.KeyManagerFactory;
import org.imsg.unix.Fd;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** TLS between two channels, by Netty's handler: it reads when nobody asked, and has its own end of the stream. */
@ExtendWith(LeakDetection.class)
@Timeout(60)
class TlsTest {
    private static final String TEXT = "0123456789abcdef".repeat(20_000);

    @TempDir
    private static Path directory;
    private static SslContext serverContext;
    private static SslContext clientContext;

    private final Events serverEvents = new Events();
    private final Events clientEvents = new Events();
    private final Fd.Pair pair;
    private Channel server;
    private Channel client;

    TlsTest() throws Exception {
        pair = Fd.socketpair();
    }

    @BeforeAll
    static void makeCertificate() throws Exception {
        Path store = directory.resolve("store");
        char[] password = "password".toCharArray();
        Process keytool = new ProcessBuilder(Path.of(System.getProperty("java.home"), "bin", "keytool").toString(),
                "-J-XX:TieredStopAtLevel=1", "-genkeypair", "-alias", "peer", "-keyalg", "EC", "-dname", "CN=peer",
                "-keystore", store.toString(), "-storepass", new String(password)).redirectErrorStream(true).start();
        assertThat(new String(keytool.getInputStream().readAllBytes()) + keytool.waitFor()).endsWith("0");
        // Else the JDK closes them during the first test, which counts descriptors.
        keytool.getOutputStream().close();
        keytool.getInputStream().close();
        keytool.getErrorStream().close();
        KeyStore keys = KeyStore.getInstance("PKCS12");
        try (InputStream in = Files.newInputStream(store)) {
            keys.load(in, password);
        }
        KeyManagerFactory own = KeyManagerFactory.getInstance("PKIX");
        own.init(keys, password);
        serverContext = SslContextBuilder.forServer(own).sslProvider(SslProvider.JDK).build();
        clientContext = SslContextBuilder.forClient().trustManager((X509Certificate) keys.getCertificate("peer"))
                .endpointIdentificationAlgorithm("").sslProvider(SslProvider.JDK).build();
    }

    private void open(Loops loops, boolean reading) throws Exception {
        Map<ChannelOption<?>, Object> options = Map.of(ChannelOption.AUTO_READ, reading);
        server = Wire.open(loops, pair.first(), options, serverContext.newHandler(ByteBufAllocator.DEFAULT),
                serverEvents);
        client = Wire.open(loops, pair.second(), options, clientContext.newHandler(ByteBufAllocator.DEFAULT),
                new ChunkedWriteHandler(), clientEvents);
        server.read();
        client.read();
        serverEvents.expect(SslHandshakeCompletionEvent.SUCCESS);
        clientEvents.expect(SslHandshakeCompletionEvent.SUCCESS);
        if (!reading)
            return;
        // Behind the server's session tickets: a close with unread bytes would be a reset.
        server.writeAndFlush(bytes("hello"));
        assertThat(clientEvents.text(5)).isEqualTo("hello");
    }

    private Channel openServer(Loops loops) {
        return Wire.open(loops, pair.first(), serverContext.newHandler(ByteBufAllocator.DEFAULT), serverEvents);
    }

    @AfterEach
    void close() throws Exception {
        for (Channel end : new Channel[]{client, server})
            if (end != null)
                end.close().sync();
        serverEvents.releaseAll();
        clientEvents.releaseAll();
    }

    @ParameterizedTest
    @MethodSource("org.imsg.netty.Loops#andNettysOwn")
    void much_goes_both_ways_at_once_and_arrives_whole(Loops loops) throws Exception {
        open(loops, true);
        ChannelFuture question = client.writeAndFlush(bytes(TEXT));
        ChannelFuture answer = server.writeAndFlush(bytes(TEXT));
        assertThat(serverEvents.text(TEXT.length()).equals(TEXT)).isTrue();
        assertThat(clientEvents.text(TEXT.length()).equals(TEXT)).isTrue();
        question.sync();
        answer.sync();
    }

    @ParameterizedTest
    @MethodSource("org.imsg.netty.Loops#andNettysOwn")
    void without_auto_read_the_handler_reads_for_the_handshake_and_up_to_the_first_message(Loops loops)
            throws Exception {
        open(loops, false);
        client.writeAndFlush(bytes("first")).sync();
        assertThat(serverEvents.text(5)).isEqualTo("first");
        client.writeAndFlush(bytes("second")).sync();
        server.eventLoop().submit(() -> {}).sync();
        assertThat(serverEvents.isEmpty()).isTrue();
        server.read();
        assertThat(serverEvents.text(6)).isEqualTo("second");
    }

    @ParameterizedTest
    @MethodSource("org.imsg.netty.Loops#andNettysOwn")
    void a_close_is_announced_to_the_peer_and_is_its_end(Loops loops) throws Exception {
        open(loops, true);
        client.writeAndFlush(bytes("last"));
        client.close().sync();
        assertThat(serverEvents.text(4)).isEqualTo("last");
        serverEvents.expect(SslCloseCompletionEvent.SUCCESS);
        serverEvents.expect(Events.INACTIVE);
    }

    @ParameterizedTest
    @MethodSource("org.imsg.netty.Loops#andNettysOwn")
    void an_end_that_was_not_announced_is_told_as_a_failure(Loops loops) throws Exception {
        open(loops, true);
        client.eventLoop().submit(() -> client.pipeline().remove(SslHandler.class)).sync();
        client.close().sync();
        assertThat(serverEvents.next(SslCloseCompletionEvent.class).cause()).isInstanceOf(ClosedChannelException.class);
        serverEvents.expect(Events.INACTIVE);
    }

    @ParameterizedTest
    @MethodSource("org.imsg.netty.Loops#andNettysOwn")
    void a_peer_that_speaks_something_else_fails_the_handshake_and_is_closed(Loops loops) throws Exception {
        server = openServer(loops);
        try (Wire peer = new Wire(pair.second())) {
            peer.send("GET / HTTP/1.0\r\n\r\n");
            assertThat(serverEvents.next(SslHandshakeCompletionEvent.class).cause())
                    .isInstanceOf(NotSslRecordException.class);
            assertThat(serverEvents.next(Exception.class)).hasCauseInstanceOf(NotSslRecordException.class);
            serverEvents.next(SslCloseCompletionEvent.class);
            serverEvents.expect(Events.INACTIVE);
        }
    }

    @ParameterizedTest
    @MethodSource("org.imsg.netty.Loops#andNettysOwn")
    void a_peer_that_is_gone_before_the_handshake_fails_it(Loops loops) throws Exception {
        server = openServer(loops);
        pair.second().close();
        assertThat(serverEvents.next(SslHandshakeCompletionEvent.class).cause())
                .isInstanceOf(ClosedChannelException.class);
        server.closeFuture().sync();
    }

    @ParameterizedTest
    @MethodSource("org.imsg.netty.Loops#andNettysOwn")
    void a_file_goes_through_in_chunks_and_neither_as_a_region_nor_with_a_descriptor(Loops loops) throws Exception {
        Path file = Files.writeString(directory.resolve("file"), TEXT);
        open(loops, true);
        DefaultFileRegion region = new DefaultFileRegion(file.toFile(), 0, 10);
        assertThatThrownBy(client.writeAndFlush(region)::sync).isInstanceOf(UnsupportedMessageTypeException.class);
        assertThat(region.refCnt()).isZero();
        FdBuf withFd = new FdBuf(bytes("x"), pipeSaying(""));
        assertThatThrownBy(client.writeAndFlush(withFd)::sync).isInstanceOf(UnsupportedMessageTypeException.class);
        assertThat(withFd.refCnt()).isZero();
        ChannelFuture sent = client.writeAndFlush(new ChunkedFile(file.toFile()));
        assertThat(serverEvents.text(TEXT.length()).equals(TEXT)).isTrue();
        sent.sync();
    }
}
