package org.imsg.bench.worker;

import java.io.FileDescriptor;
import java.io.FileInputStream;
import java.io.IOException;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import org.newsclub.net.unix.AFUNIXServerSocketChannel;
import org.newsclub.net.unix.AFUNIXSocketAddress;
import org.newsclub.net.unix.AFUNIXSocketChannel;

/**
 * junixsocket's SocketChannel. It sends the same descriptor with each message, neither duplicated before nor closed after, since
 * it has no dup: less work than ours.
 */
final class JunixTransport extends LengthPrefixed<AFUNIXSocketChannel> {
    /** Room for the one descriptor that a read can bring. */
    private static final int ANCILLARY = 64;

    private final FileInputStream carried = new FileInputStream("/dev/null");

    JunixTransport(Job job) throws IOException {
        AFUNIXSocketAddress address = AFUNIXSocketAddress.of(job.path());
        super(job, job.listens() ? listening(address) : null, job.listens() ? null : AFUNIXSocketChannel.open(address));
    }

    private static ServerSocketChannel listening(AFUNIXSocketAddress address) throws IOException {
        AFUNIXServerSocketChannel server = AFUNIXServerSocketChannel.open();
        server.bind(address);
        return server;
    }

    @Override
    AFUNIXSocketChannel accepted(SocketChannel connection) {
        AFUNIXSocketChannel channel = (AFUNIXSocketChannel) connection;
        channel.setAncillaryReceiveBufferSize(ANCILLARY);
        return channel;
    }

    @Override
    void attachDescriptor(AFUNIXSocketChannel connection) throws IOException {
        connection.setOutboundFileDescriptors(carried.getFD());
    }

    @Override
    void takeDescriptors(AFUNIXSocketChannel connection) throws IOException {
        FileDescriptor[] received = connection.getReceivedFileDescriptors();
        if (received == null)
            return;
        for (FileDescriptor descriptor : received) {
            tally.descriptors++;
            new FileInputStream(descriptor).close();
        }
    }
}
