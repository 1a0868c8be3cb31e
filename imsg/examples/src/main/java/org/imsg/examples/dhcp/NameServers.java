package org.imsg.examples.dhcp;

import java.io.IOException;
import java.net.InetAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import org.imsg.Ibuf;
import org.imsg.Imsg;
import org.imsg.privsep.Parent;
import org.imsg.privsep.ParentProcess;

/** The parent: writes the file of name servers, from addresses only, so that a server says nothing else in it. */
final class NameServers implements Parent {
    /** From the child: the addresses, four bytes each. */
    static final int SERVERS = 1;
    /** As many as resolver(3) looks at. */
    private static final int MOST = 3;

    private final Path file;

    NameServers(Path file) {
        this.file = file;
    }

    static Imsg message(List<InetAddress> servers) {
        Ibuf payload = Ibuf.dynamic(16, 1024);
        servers.stream().limit(MOST).forEach(server -> payload.add(server.getAddress()));
        return Imsg.of(SERVERS, 0, 0, payload);
    }

    @Override
    public void start(ParentProcess self) {
        self.on(SERVERS, (_, message) -> {
            if (message.length() % 4 != 0 || message.length() > 4 * MOST)
                throw new IOException(message.length() + " bytes are no list of at most " + MOST + " addresses");
            List<String> lines = new ArrayList<>();
            for (Ibuf addresses = message.getIbuf(); addresses.size() > 0;)
                lines.add("nameserver " + InetAddress.getByAddress(addresses.get(4)).getHostAddress());
            write(lines);
        });
    }

    /** Replaces the file at once: a reader sees the old one or the new one. */
    private void write(List<String> lines) throws IOException {
        Path next = Files.createTempFile(file.toAbsolutePath().getParent(), ".resolv", "");
        try {
            Files.write(next, lines);
            // Whatever the umask is.
            Files.setPosixFilePermissions(next, PosixFilePermissions.fromString("rw-r--r--"));
            Files.move(next, file, StandardCopyOption.ATOMIC_MOVE);
        } finally {
            Files.deleteIfExists(next);
        }
    }
}
