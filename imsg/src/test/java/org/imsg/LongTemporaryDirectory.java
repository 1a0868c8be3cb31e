package org.imsg;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.imsg.unix.Fd;
import org.imsg.unix.JdkChannels;

/** Asks for a SocketChannel where the temporary directory's path leaves no room for a socket's name. */
final class LongTemporaryDirectory {
    private LongTemporaryDirectory() {}

    public static void main(String[] arguments) throws IOException {
        try (Fd.Pair sockets = Fd.socketpair()) {
            refused(sockets.first());
            long before = sockets();
            refused(sockets.first());
            System.out.println((sockets() - before) + " more sockets, "
                    + (sockets.first().isOpen() ? "the caller's still open" : "the caller's closed"));
        }
    }

    private static void refused(Fd socket) {
        try {
            JdkChannels.socketChannel(socket);
            throw new AssertionError("there is room");
        } catch (IOException _) {
            // as it is to be
        }
    }

    private static long sockets() throws IOException {
        try (Stream<Path> descriptors = Files.list(Path.of("/proc/self/fd"))) {
            return descriptors.filter(LongTemporaryDirectory::isSocket).count();
        }
    }

    private static boolean isSocket(Path descriptor) {
        try {
            return Files.readSymbolicLink(descriptor).toString().startsWith("socket:");
        } catch (IOException _) {
            return false;
        }
    }
}
