package org.imsg.bench.worker;

import io.grpc.CallOptions;
import io.grpc.Drainable;
import io.grpc.KnownLength;
import io.grpc.ManagedChannel;
import io.grpc.MethodDescriptor;
import io.grpc.MethodDescriptor.MethodType;
import io.grpc.ServerServiceDefinition;
import io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder;
import io.grpc.netty.shaded.io.grpc.netty.NettyServerBuilder;
import io.grpc.netty.shaded.io.netty.channel.MultiThreadIoEventLoopGroup;
import io.grpc.netty.shaded.io.netty.channel.epoll.EpollDomainSocketChannel;
import io.grpc.netty.shaded.io.netty.channel.epoll.EpollIoHandler;
import io.grpc.netty.shaded.io.netty.channel.epoll.EpollServerDomainSocketChannel;
import io.grpc.netty.shaded.io.netty.channel.unix.DomainSocketAddress;
import io.grpc.stub.ClientCallStreamObserver;
import io.grpc.stub.ClientCalls;
import io.grpc.stub.ClientResponseObserver;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.ServerCalls;
import io.grpc.stub.StreamObserver;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.util.concurrent.CompletableFuture;

/**
 * gRPC over a Unix socket: one stream for all messages, native epoll, one loop, callbacks on it (directExecutor), as many messages as
 * the stream says it is ready for, a flow control window of 1 MiB, and bytes instead of protobuf.
 */
final class GrpcTransport implements WorkerTransport {
    private static final int WINDOW = 1 << 20;

    private final byte[] payload;
    private final MultiThreadIoEventLoopGroup loop = new MultiThreadIoEventLoopGroup(1, EpollIoHandler.newFactory());
    private final Pump pump = new Pump();
    private final ArrivalCounter arrivals = new ArrivalCounter(loop);

    GrpcTransport(Job job) throws IOException {
        payload = job.payload();
        DomainSocketAddress address = new DomainSocketAddress(job.path().toString());
        MethodDescriptor<byte[], byte[]> method = MethodDescriptor.<byte[], byte[]>newBuilder()
                .setType(MethodType.CLIENT_STREAMING).setFullMethodName("bench/send").setRequestMarshaller(new Bytes())
                .setResponseMarshaller(new Bytes()).build();
        if (job.listens()) {
            NettyServerBuilder.forAddress(address).channelType(EpollServerDomainSocketChannel.class)
                    .bossEventLoopGroup(loop).workerEventLoopGroup(loop).directExecutor().flowControlWindow(WINDOW)
                    .addService(ServerServiceDefinition.builder("bench")
                            .addMethod(method, ServerCalls.asyncClientStreamingCall(this::take)).build())
                    .build().start();
            return;
        }
        ManagedChannel channel = NettyChannelBuilder.forAddress(address).channelType(EpollDomainSocketChannel.class)
                .eventLoopGroup(loop).directExecutor().flowControlWindow(WINDOW).usePlaintext().build();
        ClientCalls.asyncClientStreamingCall(channel.newCall(method, CallOptions.DEFAULT), pump);
    }

    private StreamObserver<byte[]> take(StreamObserver<byte[]> answers) {
        ServerCallStreamObserver<byte[]> call = (ServerCallStreamObserver<byte[]>) answers;
        call.disableAutoRequest();
        call.request(Integer.MAX_VALUE);
        return new StreamObserver<>() {
            @Override
            public void onNext(byte[] message) {
                arrivals.arrived(message.length > 0 ? message[0] & 0xFF : 0);
            }

            @Override
            public void onError(Throwable cause) {
                arrivals.failed(cause);
            }

            @Override
            public void onCompleted() {
                arrivals.ended();
            }
        };
    }

    @Override
    public void send(long count) throws IOException {
        arrivals.await(done -> pump.begin(count, done));
    }

    @Override
    public void receive(long count) throws IOException {
        arrivals.awaitArrivals(count);
    }

    @Override
    public Tally tally() {
        return arrivals.tally;
    }

    /** Writes while the stream is ready; on the loop's thread. */
    private final class Pump implements ClientResponseObserver<byte[], byte[]> {
        private ClientCallStreamObserver<byte[]> call;
        private CompletableFuture<Void> done;
        private long left;

        @Override
        public void beforeStart(ClientCallStreamObserver<byte[]> started) {
            call = started;
            call.setOnReadyHandler(this::proceed);
        }

        void begin(long count, CompletableFuture<Void> completed) {
            left = count;
            done = completed;
            proceed();
        }

        private void proceed() {
            while (left > 0 && call.isReady()) {
                call.onNext(payload);
                left--;
            }
            if (left == 0 && done != null)
                done.complete(null);
        }

        @Override
        public void onNext(byte[] message) {}

        @Override
        public void onError(Throwable cause) {
            if (done != null)
                done.completeExceptionally(cause);
        }

        @Override
        public void onCompleted() {}
    }

    /** Bytes as they are. */
    private static final class Bytes implements MethodDescriptor.Marshaller<byte[]> {
        @Override
        public InputStream stream(byte[] value) {
            return new Drained(value);
        }

        @Override
        public byte[] parse(InputStream stream) {
            try {
                byte[] bytes = new byte[stream.available()];
                stream.readNBytes(bytes, 0, bytes.length);
                return bytes;
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }

    /** Spares gRPC a copy. */
    private static final class Drained extends ByteArrayInputStream implements Drainable, KnownLength {
        Drained(byte[] bytes) {
            super(bytes);
        }

        @Override
        public int drainTo(OutputStream target) throws IOException {
            int all = available();
            target.write(buf, pos, all);
            pos = count;
            return all;
        }
    }
}
