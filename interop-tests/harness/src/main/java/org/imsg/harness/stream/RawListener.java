package org.imsg.harness.stream;

import java.io.IOException;
import java.net.SocketTimeoutException;
import java.nio.channels.AsynchronousCloseException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.time.Duration;
import org.imsg.sys.OpenDescriptor;
import org.imsg.sys.Readiness;
import org.imsg.unix.ErrnoException;
import org.imsg.unix.Fd;
import org.imsg.unix.Sockets;
import org.imsg.unix.UnixAddress;

/** A listening Unix stream socket. One thread accepts; {@link #close} from another lets it go, and removes the socket's file. */
public final class RawListener implements AutoCloseable {
    private static final int BACKLOG = 128;

    private final Fd socket;
    private final Path path;
    private final Object fileKey;

    private RawListener(Fd socket, Path path) throws IOException {
        this.socket = socket;
        this.path = path;
        this.fileKey = fileKey(path);
    }

    /**
     * Listens at a path; a socket there to which nobody listens any more is replaced.
     *
     * @param path where
     * @param mode the permission bits of its file
     * @return the listener
     * @throws IOException if the path is taken or cannot be bound
     */
    public static RawListener listen(Path path, int mode) throws IOException {
        UnixAddress address = UnixAddress.of(path);
        try {
            return listen(address, mode);
        } catch (ErrnoException e) {
            if (!e.name().equals("EADDRINUSE") || !nobodyListens(address))
                throw e;
            Files.deleteIfExists(path);
            return listen(address, mode);
        }
    }

    private static RawListener listen(UnixAddress address, int mode) throws IOException {
        Fd socket = Sockets.listen(address, mode, BACKLOG);
        try {
            // Until here the umask has its part.
            Files.setAttribute(address.path(), "unix:mode", mode);
            return new RawListener(socket, address.path());
        } catch (IOException | RuntimeException | Error e) {
            socket.close();
            throw e;
        }
    }

    private static boolean nobodyListens(UnixAddress address) throws IOException {
        try {
            Sockets.connect(address, System.nanoTime()).close();
            return false;
        } catch (SocketTimeoutException _) {
            return false;
        } catch (ErrnoException e) {
            // A file that is no socket refuses too, but that one is not ours to remove.
            return e.name().equals("ECONNREFUSED") && Files.readAttributes(address.path(),
                    BasicFileAttributes.class).isOther();
        }
    }

    /**
     * Waits for a connection.
     *
     * @return the connected socket
     * @throws IOException if it fails, or the listener is closed
     */
    public RawSocket accept() throws IOException {
        return accept(Readiness.FOREVER);
    }

    /**
     * Waits for a connection, but not forever.
     *
     * @param timeout how long, 0 or more
     * @return the connected socket
     * @throws SocketTimeoutException if none comes in time
     * @throws IOException if it fails, or the listener is closed
     */
    public RawSocket accept(Duration timeout) throws IOException {
        return accept(System.nanoTime() + timeout.toNanos());
    }

    private RawSocket accept(long deadline) throws IOException {
        int number = OpenDescriptor.of(socket).enter();
        try {
            for (;;) {
                if (!socket.isOpen())
                    throw new AsynchronousCloseException();
                Fd connection = Sockets.accept(number);
                if (connection != null)
                    return RawSocket.of(connection);
                if (!OpenDescriptor.of(socket).await(Readiness.READABLE, deadline))
                    throw new SocketTimeoutException("no connection to " + path + " in time");
            }
        } finally {
            OpenDescriptor.of(socket).exit();
        }
    }

    /** {@return where it listens} */
    public Path path() {
        return path;
    }

    @Override
    public void close() {
        try {
            if (fileKey != null && fileKey.equals(fileKey(path)))
                Files.deleteIfExists(path);
        } catch (IOException _) {
            // somebody else removed it, or its directory
        }
        socket.close();
    }

    private static Object fileKey(Path path) throws IOException {
        return Files.exists(path) ? Files.getAttribute(path, "unix:ino") : null;
    }
}
