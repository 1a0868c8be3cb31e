package org.imsg.netty;

import io.netty.channel.unix.DomainSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import org.imsg.sys.NativeString;
import org.imsg.unix.Fd;
import org.imsg.unix.Sockets;
import org.imsg.unix.UnixAddress;
import org.imsg.unix.UnixListener;

/** Connects to a name that is not ASCII, under the locale of this JVM; the argument is its directory. */
final class ConnectsInAnyLocale {
    private static final String NAME = "gr\u00fcn";

    private ConnectsInAnyLocale() {}

    public static void main(String... arguments) throws Exception {
        Path path = Path.of(arguments[0]).resolve(NativeString.path(NAME.getBytes(StandardCharsets.UTF_8)));
        try (UnixListener listener = UnixListener.at(UnixAddress.of(path)).listen(); Fd socket = Sockets.socket()) {
            int result = SocketCalls.connect(socket, new DomainSocketAddress(arguments[0] + "/" + NAME));
            System.out.println("connected: " + (result == 0 && listener.isOpen()));
        }
    }
}
