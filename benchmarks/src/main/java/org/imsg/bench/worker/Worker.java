package org.imsg.bench.worker;

import com.sun.management.OperatingSystemMXBean;
import com.sun.management.ThreadMXBean;
import java.io.BufferedReader;
import java.io.IOException;
import org.imsg.bench.worker.NettyTransport.Framing;
import java.io.InputStreamReader;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;

/**
 * A program that is measured: {@code Worker KIND [-OPTION VALUE]... ROLE}, driven by lines on its standard input as
 * c-reference/bench.c is. It also says how many bytes all its threads allocated for a command.
 */
public final class Worker {
    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    private static final OperatingSystemMXBean PROCESS = (OperatingSystemMXBean) ManagementFactory
            .getOperatingSystemMXBean();

    private final Job job;
    private final WorkerTransport transport;
    private final PingPong pingPong;

    private Worker(Job job) throws IOException {
        this.job = job;
        transport = open(job);
        pingPong = new PingPong(transport, job.samples());
    }

    /**
     * Runs until standard input ends.
     *
     * @param args the job
     * @throws IOException if anything fails
     */
    public static void main(String... args) throws IOException {
        new Worker(Job.parse(args)).serve();
        // Transports may have threads of their own that would keep the process.
        System.exit(0);
    }

    private void serve() throws IOException {
        System.out.println("ready");
        BufferedReader commands = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.US_ASCII));
        for (String line; (line = commands.readLine()) != null;) {
            String[] words = line.split(" ");
            long count = Long.parseLong(words[0]);
            long interval = words.length > 1 ? Long.parseLong(words[1]) : 0;
            System.out.println(obey(count, interval));
        }
    }

    private String obey(long count, long interval) throws IOException {
        Tally tally = transport.tally();
        tally.clear();
        long cpu = PROCESS.getProcessCpuTime();
        long allocated = THREADS.getTotalThreadAllocatedBytes();
        long start = System.nanoTime();
        switch (job.role()) {
            case "send" -> transport.send(count);
            case "receive" -> transport.receive(count);
            case "ping" -> pingPong.ping(Math.toIntExact(count), interval);
            case "pong" -> pingPong.pong(count);
            default -> throw new IllegalArgumentException("no role " + job.role());
        }
        long end = System.nanoTime();
        allocated = THREADS.getTotalThreadAllocatedBytes() - allocated;
        cpu = PROCESS.getProcessCpuTime() - cpu;
        if (job.samples() != null)
            pingPong.save(Math.toIntExact(count));
        return "start=" + start + " end=" + end + " cpu=" + cpu + " messages=" + tally.messages + " descriptors="
                + tally.descriptors + " sum=" + tally.sum + " allocated=" + allocated;
    }

    private static WorkerTransport open(Job job) throws IOException {
        return switch (job.kind()) {
            case "imsg" -> new ImsgTransport(job);
            case "imsg-records" -> new RecordTransport(job);
            case "jdk" -> new JdkTransport(job);
            case "junixsocket" -> new JunixTransport(job);
            case "grpc" -> new GrpcTransport(job);
            case "netty-imsg" -> netty(job, Framing.IMSG);
            case "netty-imsg-messages" -> netty(job, Framing.IMSG_MESSAGES);
            case "netty-imsg-passing" -> new NettyConnections(job, true, true);
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
                : new NettyConnections(job, framing != Framing.STOCK, false);
    }
}
