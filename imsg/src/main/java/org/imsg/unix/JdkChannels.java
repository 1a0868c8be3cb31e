package org.imsg.unix;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.Channel;
import java.nio.channels.FileChannel;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.IntPredicate;
import java.util.stream.IntStream;
import org.imsg.sys.Constants;
import org.imsg.sys.Os;
import org.imsg.sys.Posix;

/**
 * Makes JDK channels of descriptors, for code that wants a FileChannel or a SocketChannel, without any flag.
 *
 * <p>The JDK has no way to wrap a descriptor, so it is put under a channel that was opened on something else (dup3 onto its
 * number). That something has to be there: for a file a temporary file; for a socket a connection over the loopback
 * interface, or for a Unix socket a socket in the temporary directory. After a chroot or a drop of rights it may not be, so a
 * confined program uses {@link FdChannel}, which needs nothing, or does this before. Limits:
 * <ul>
 * <li>a FileChannel of something that is not a regular file reads and writes, but has no size, position or locks;
 * <li>a SocketChannel reports the addresses of the connection it was opened on, not the descriptor's; the blocking mode of
 * the descriptor, which other processes may share, is set to the channel's;
 * <li>datagram sockets, listening sockets and directories are refused.
 * </ul>
 *
 * <p>Thread-safe. On success the descriptor belongs to the channel; on failure it is still the caller's.
 */
public final class JdkChannels {
    /** How far to look for a channel's descriptor; new descriptors get the lowest free number. */
    private static final int MOST_DESCRIPTORS = 1 << 20;

    private JdkChannels() {}

    /**
     * Makes a FileChannel on a descriptor, readable and writable as the descriptor is, at its file position.
     *
     * @param fd a file, a pipe or a device
     * @return the channel, which owns the descriptor then
     * @throws IllegalArgumentException if it is a socket or a directory
     * @throws IOException if there is nothing to open a channel on, or no room in the descriptor table
     */
    public static FileChannel fileChannel(Fd fd) throws IOException {
        DescriptorStatus status = DescriptorStatus.of(fd.intValue());
        if (status.isSocket() || status.isDirectory())
            throw new IllegalArgumentException(fd + " is a " + (status.isSocket() ? "socket" : "directory")
                    + ", which a FileChannel cannot be");
        Path file = Files.createTempFile("imsg", null);
        try {
            // By its inode the temporary file is told from every other open file of the process.
            long device = (long) Files.getAttribute(file, "unix:dev");
            long inode = (long) Files.getAttribute(file, "unix:ino");
            FileChannel channel = FileChannel.open(file, options(fd));
            return put(fd, channel, number -> DescriptorStatus.of(number).isFile(device, inode));
        } finally {
            Files.deleteIfExists(file);
        }
    }

    /**
     * Makes a blocking, connected SocketChannel on a descriptor.
     *
     * @param fd a connected stream socket, IPv4, IPv6 or Unix
     * @return the channel, which owns the descriptor then
     * @throws IllegalArgumentException if it is no such socket
     * @throws IOException if there is nothing to open a channel on, or no room in the descriptor table
     */
    public static SocketChannel socketChannel(Fd fd) throws IOException {
        boolean unix = Sockets.name(fd.intValue()).isUnix();
        if (!Sockets.name(fd.intValue()).isSocket() || Sockets.intOption(fd, "SO_TYPE") != Constants.SOCK_STREAM
                || Sockets.intOption(fd, "SO_ACCEPTCONN") != 0)
            throw new IllegalArgumentException(fd + " is not a connected stream socket");
        Sockets.blocking(fd, true);
        return unix ? unixChannel(fd) : inetChannel(fd);
    }

    private static SocketChannel inetChannel(Fd fd) throws IOException {
        InetSocketAddress anyPort = new InetSocketAddress(InetAddress.getLoopbackAddress(), 0);
        try (ServerSocketChannel server = bind(ServerSocketChannel.open(), anyPort)) {
            SocketChannel channel = connect(SocketChannel.open(), anyPort, server);
            // Being bound before it was connected, it shares its address with no other stream socket.
            InetSocketAddress own = (InetSocketAddress) channel.getLocalAddress();
            return put(fd, channel, number -> Sockets.isStreamAt(number, own));
        }
    }

    private static SocketChannel unixChannel(Fd fd) throws IOException {
        Path directory = Files.createTempDirectory("imsg");
        Path listening = directory.resolve("l");
        Path own = directory.resolve("s");
        try (ServerSocketChannel server = bind(ServerSocketChannel.open(StandardProtocolFamily.UNIX),
                UnixDomainSocketAddress.of(listening))) {
            SocketChannel channel = connect(SocketChannel.open(StandardProtocolFamily.UNIX),
                    UnixDomainSocketAddress.of(own), server);
            return put(fd, channel, number -> Sockets.name(number).isUnixPath(own));
        } finally {
            for (Path path : List.of(listening, own, directory))
                Files.deleteIfExists(path);
        }
    }

    private static ServerSocketChannel bind(ServerSocketChannel server, SocketAddress address) throws IOException {
        try {
            return server.bind(address);
        } catch (IOException | RuntimeException | Error e) {
            server.close();
            throw e;
        }
    }

    private static SocketChannel connect(SocketChannel channel, SocketAddress own, ServerSocketChannel server)
            throws IOException {
        try {
            channel.bind(own).connect(server.getLocalAddress());
            return channel;
        } catch (IOException | RuntimeException | Error e) {
            channel.close();
            throw e;
        }
    }

    /** Puts the descriptor under the channel, whose own number the test recognises. */
    private static <C extends Channel> C put(Fd fd, C channel, IntPredicate isChannels) throws IOException {
        int source = -1;
        try {
            source = fd.enter();
            int number = IntStream.range(0, MOST_DESCRIPTORS).filter(isChannels).findFirst()
                    .orElseThrow(() -> new IOException("the descriptor of " + channel + " is not to be found"));
            boolean dup3 = Os.current() != Os.MACOS;
            ErrnoException.check("dup3", source + " onto " + number, dup3
                    ? Posix.dup3(source, number, Constants.O_CLOEXEC)
                    : Posix.dup2(source, number));
            if (!dup3)
                Fd.closeOnExec(number);
        } catch (IOException | RuntimeException | Error e) {
            channel.close();
            throw e;
        } finally {
            if (source >= 0)
                fd.exit();
        }
        fd.close();
        return channel;
    }

    private static Set<OpenOption> options(Fd fd) throws IOException {
        int flags = Sockets.statusFlags(fd.intValue());
        Set<OpenOption> options = new HashSet<>();
        int access = flags & Constants.O_ACCMODE;
        if (access != Constants.O_WRONLY)
            options.add(StandardOpenOption.READ);
        if (access != Constants.O_RDONLY)
            options.add(StandardOpenOption.WRITE);
        // The JDK has no channel that both reads and appends.
        if (access == Constants.O_WRONLY && (flags & Constants.O_APPEND) != 0)
            options.add(StandardOpenOption.APPEND);
        return options;
    }
}
