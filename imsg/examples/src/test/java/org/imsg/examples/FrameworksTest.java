package org.imsg.examples;

import static io.grpc.stub.ClientCalls.asyncBidiStreamingCall;
import static io.grpc.stub.ClientCalls.blockingUnaryCall;
import static io.grpc.stub.ServerCalls.asyncBidiStreamingCall;
import static io.grpc.stub.ServerCalls.asyncUnaryCall;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.grpc.CallOptions;
import io.grpc.ManagedChannel;
import io.grpc.MethodDescriptor;
import io.grpc.MethodDescriptor.MethodType;
import io.grpc.Server;
import io.grpc.ServerServiceDefinition;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.netty.NettyChannelBuilder;
import io.grpc.netty.NettyServerBuilder;
import io.grpc.stub.StreamObserver;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelOutboundHandlerAdapter;
import io.netty.channel.ChannelPromise;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.FileRegion;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.ServerChannel;
import io.netty.channel.epoll.EpollDomainSocketChannel;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.epoll.EpollServerDomainSocketChannel;
import io.netty.channel.unix.DomainSocketAddress;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Queue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.imsg.netty.ImsgServer;
import org.imsg.netty.ImsgSocketChannel;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.netty.ByteBufFlux;
import reactor.netty.DisposableServer;
import reactor.netty.http.client.HttpClient;
import reactor.netty.http.server.HttpServer;
import reactor.netty.resources.ConnectionProvider;
import reactor.netty.resources.LoopResources;

/** gRPC and Reactor Netty on imsg-netty's channels: how each is told of them, at either end and beside Netty's own at the other. */
@Timeout(60)
class FrameworksTest {
    private static final Duration LONGEST = Duration.ofSeconds(30);
    private static final String LONG = "0123456789abcdef".repeat(60_000);

    @TempDir
    private Path directory;

    /** What the server accepted, as its first handler saw it. */
    private final Queue<Object> accepted = new ConcurrentLinkedQueue<>();
    private EventLoopGroup loops;
    private DomainSocketAddress address;

    @BeforeEach
    void startLoops() {
        loops = new MultiThreadIoEventLoopGroup(2, EpollIoHandler.newFactory());
        address = new DomainSocketAddress(directory.resolve("socket").toFile());
    }

    @AfterEach
    void endLoops() throws InterruptedException {
        loops.shutdownGracefully(0, 20, TimeUnit.SECONDS).sync();
    }

    /** Netty's own server channel; with the handler that makes imsg channels of its connections, before any of the framework. */
    private ServerChannel serverChannel(boolean ours) {
        EpollServerDomainSocketChannel server = new EpollServerDomainSocketChannel();
        if (ours)
            server.pipeline().addLast(new ImsgServer());
        server.pipeline().addLast(new ChannelInboundHandlerAdapter() {
            @Override
            public void channelRead(ChannelHandlerContext ctx, Object connection) {
                accepted.add(connection);
                ctx.fireChannelRead(connection);
            }
        });
        return server;
    }

    private void assertAccepted(boolean ours) {
        assertThat(accepted).isNotEmpty()
                .hasOnlyElementsOfType(ours ? ImsgSocketChannel.class : EpollDomainSocketChannel.class);
    }

    private static Class<? extends Channel> clientChannel(boolean ours) {
        return ours ? ImsgSocketChannel.class : EpollDomainSocketChannel.class;
    }

    // gRPC

    private static final MethodDescriptor.Marshaller<String> TEXT = new MethodDescriptor.Marshaller<>() {
        @Override
        public InputStream stream(String text) {
            return new ByteArrayInputStream(text.getBytes(StandardCharsets.UTF_8));
        }

        @Override
        public String parse(InputStream stream) {
            try {
                return new String(stream.readAllBytes(), StandardCharsets.UTF_8);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    };
    private static final MethodDescriptor<String, String> REVERSE = method(MethodType.UNARY, "reverse");
    private static final MethodDescriptor<String, String> ECHO = method(MethodType.BIDI_STREAMING, "echo");

    private static MethodDescriptor<String, String> method(MethodType type, String name) {
        return MethodDescriptor.newBuilder(TEXT, TEXT).setType(type)
                .setFullMethodName(MethodDescriptor.generateFullMethodName("Texts", name)).build();
    }

    private static String reversed(String text) {
        return new StringBuilder(text).reverse().toString();
    }

    private static ServerServiceDefinition texts() {
        return ServerServiceDefinition.builder("Texts")
                .addMethod(REVERSE, asyncUnaryCall((String request, StreamObserver<String> answer) -> {
                    if (request.isEmpty()) {
                        answer.onError(Status.INVALID_ARGUMENT.withDescription("nothing to reverse").asException());
                        return;
                    }
                    answer.onNext(reversed(request));
                    answer.onCompleted();
                })).addMethod(ECHO, asyncBidiStreamingCall(answers -> answers)).build();
    }

    @ParameterizedTest(name = "imsg server: {0}, imsg client: {1}")
    @CsvSource({"true, true", "true, false", "false, true"})
    void grpc_calls_fails_and_streams(boolean oursServes, boolean oursCalls) throws Exception {
        Server server = NettyServerBuilder.forAddress(address).channelFactory(() -> serverChannel(oursServes))
                .bossEventLoopGroup(loops).workerEventLoopGroup(loops).addService(texts()).build().start();
        ManagedChannel client = NettyChannelBuilder.forAddress(address).eventLoopGroup(loops)
                .channelType(clientChannel(oursCalls), DomainSocketAddress.class).usePlaintext().build();
        try {
            for (String text : new String[]{"abc", LONG})
                assertThat(blockingUnaryCall(client, REVERSE, CallOptions.DEFAULT, text).equals(reversed(text)))
                        .isTrue();
            assertThatThrownBy(() -> blockingUnaryCall(client, REVERSE, CallOptions.DEFAULT, ""))
                    .isInstanceOf(StatusRuntimeException.class).hasMessageContaining("nothing to reverse");
            BlockingQueue<Object> answers = new LinkedBlockingQueue<>();
            StreamObserver<String> questions = asyncBidiStreamingCall(client.newCall(ECHO, CallOptions.DEFAULT),
                    new StreamObserver<>() {
                        @Override
                        public void onNext(String text) {
                            answers.add(text);
                        }

                        @Override
                        public void onError(Throwable cause) {
                            answers.add(cause);
                        }

                        @Override
                        public void onCompleted() {
                            answers.add("completed");
                        }
                    });
            for (int i = 0; i < 1000; i++)
                questions.onNext("question " + i);
            for (int i = 0; i < 1000; i++)
                assertThat(answers.take()).isEqualTo("question " + i);
            questions.onCompleted();
            assertThat(answers.take()).isEqualTo("completed");
            assertAccepted(oursServes);
        } finally {
            assertThat(client.shutdown().awaitTermination(20, TimeUnit.SECONDS)).isTrue();
            assertThat(server.shutdown().awaitTermination(20, TimeUnit.SECONDS)).isTrue();
        }
    }

    // Reactor Netty

    /** Tells Reactor Netty which channels to make: those for Unix sockets, whatever it asks for. */
    private LoopResources resources(boolean ours) {
        return new LoopResources() {
            @Override
            public EventLoopGroup onServer(boolean useNative) {
                return loops;
            }

            @Override
            @SuppressWarnings("unchecked") // it uses them as channels, though it asks for Netty's domain sockets
            public <C extends Channel> C onChannel(Class<C> type, EventLoopGroup group) {
                if (ServerChannel.class.isAssignableFrom(type))
                    return (C) serverChannel(ours);
                return (C) (ours ? new ImsgSocketChannel() : new EpollDomainSocketChannel());
            }
        };
    }

    @ParameterizedTest(name = "imsg server: {0}, imsg client: {1}")
    @CsvSource({"true, true", "true, false", "false, true"})
    void reactor_netty_serves_answers_echoes_and_sends_files(boolean oursServes, boolean oursCalls) throws Exception {
        Path file = Files.writeString(directory.resolve("file"), "head" + LONG + "tail");
        Queue<FileRegion> regions = new ConcurrentLinkedQueue<>();
        DisposableServer server = HttpServer.create().bindAddress(() -> address).runOn(resources(oursServes))
                .doOnChannelInit((observer, connection, remote) -> connection.pipeline()
                        .addFirst(new ChannelOutboundHandlerAdapter() {
                            @Override
                            public void write(ChannelHandlerContext ctx, Object message, ChannelPromise promise) {
                                if (message instanceof FileRegion region)
                                    regions.add(region);
                                ctx.write(message, promise);
                            }
                        }))
                .route(routes -> routes.get("/hello", (request, response) -> response.sendString(Mono.just("hello")))
                        .post("/echo", (request, response) -> response.send(request.receive().retain()))
                        .get("/file", (request, response) -> response.sendFile(file))
                        .get("/part", (request, response) -> response.sendFile(file, 4, LONG.length())))
                .bindNow(LONGEST);
        ConnectionProvider connections = ConnectionProvider.create("test", 4);
        try {
            HttpClient client = HttpClient.create(connections).remoteAddress(() -> address)
                    .runOn(resources(oursCalls));
            assertThat(get(client, "/hello")).isEqualTo("hello");
            String echo = client.post().uri("/echo").send(ByteBufFlux.fromString(Flux.just(LONG, "end")))
                    .responseContent().aggregate().asString().block(LONGEST);
            assertThat(echo.equals(LONG + "end")).isTrue();
            assertThat(regions).isEmpty();
            assertThat(get(client, "/file").equals("head" + LONG + "tail")).isTrue();
            assertThat(get(client, "/part").equals(LONG)).isTrue();
            assertThat(regions).as("file regions").hasSize(2).allMatch(region -> region.refCnt() == 0);
            assertAccepted(oursServes);
        } finally {
            connections.disposeLater().block(LONGEST);
            server.disposeNow(LONGEST);
        }
    }

    private static String get(HttpClient client, String uri) {
        return client.get().uri(uri).responseContent().aggregate().asString().block(LONGEST);
    }
}
