package org.imsg.bench.worker;

import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;

/** The JDK's own SocketChannel, which passes no descriptors. */
final class JdkTransport extends LengthPrefixed<SocketChannel> {
    JdkTransport(Job job) throws IOException {
        UnixDomainSocketAddress address = UnixDomainSocketAddress.of(job.path());
        super(job, job.listens() ? ServerSocketChannel.open(StandardProtocolFamily.UNIX).bind(address) : null,
                job.listens() ? null : SocketChannel.open(address));
    }

    @Override
    SocketChannel accepted(SocketChannel connection) {
        return connection;
    }

    @Override
    void attachDescriptor(SocketChannel connection) {
        throw new UnsupportedOperationException("the JDK passes no descriptors");
    }

    @Override
    void takeDescriptors(SocketChannel connection) {}
}
