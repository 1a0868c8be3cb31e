package org.imsg.bench.worker;

import java.io.IOException;
import org.imsg.bench.worker.NettyTransport.Framing;

/** One way to send messages. For one thread. */
interface WorkerTransport {
    /** Sends so many messages, gathered as the job says, and returns when the last is written. */
    void send(long count) throws IOException;

    /** Receives so many messages, counts and looks at each, and returns when the last was seen. */
    void receive(long count) throws IOException;

    /** The tally that {@link #receive(long)} counts into. */
    Tally tally();

    static WorkerTransport open(Job job) throws IOException {
        return switch (job.kind()) {
            case "imsg" -> new ImsgTransport(job);
            case "imsg-records" -> new RecordTransport(job);
            case "jdk" -> new JdkTransport(job);
            case "junixsocket" -> new JunixTransport(job);
            case "grpc" -> new GrpcTransport(job);
            case "netty-imsg" -> netty(job, Framing.IMSG);
            case "netty-imsg-messages" -> netty(job, Framing.IMSG_MESSAGES);
            case "netty-stock" -> netty(job, Framing.STOCK);
            case "netty-stock-gathered" -> new NettyTransport(job, Framing.STOCK_GATHERED);
            case "routes" -> new RoutesTransport(job);
            default -> throw new IllegalArgumentException("no transport " + job.kind());
        };
    }

    /** One connection between two ends, or many from one end to the other. */
    private static WorkerTransport netty(Job job, Framing framing) {
        return job.connections() == 0
                ? new NettyTransport(job, framing)
                : new NettyConnections(job, framing != Framing.STOCK);
    }
}
