package org.imsg.harness.conformance;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.imsg.WireFormat;
import org.imsg.harness.stream.RawListener;
import org.imsg.unix.Child;
import org.imsg.unix.Fd;
import org.imsg.unix.OpenFlag;

/** Starts an imsg-peer in the mode echo for each client, with the connection as descriptor 3. */
final class ForkingServer implements AutoCloseable {
    private final RawListener listener;
    private final Path program;
    private final Thread accepting;
    private final Set<Child> children = ConcurrentHashMap.newKeySet();

    ForkingServer(Path socket, WireFormat format) throws IOException {
        String directory = System.getProperty("imsg.c-reference", "../c-reference/target");
        program = Path.of(directory, "imsg-peer-" + format.name().toLowerCase(Locale.ROOT)).toAbsolutePath();
        listener = RawListener.listen(socket, 0600);
        accepting = Thread.ofVirtual().start(this::accept);
    }

    Path socket() {
        return listener.path();
    }

    private void accept() {
        try {
            for (;;) {
                try (Fd connection = listener.accept().detach();
                        Fd nothing = Fd.open(Path.of("/dev/null"), OpenFlag.WRITE)) {
                    children.add(Child.of(program, "echo").descriptor(2, nothing).descriptor(3, connection).start());
                }
            }
        } catch (IOException _) {
            // closed
        }
    }

    @Override
    public void close() {
        listener.close();
        Threads.join(accepting);
        for (Child child : children)
            Threads.await(child);
    }
}
