package org.imsg.testing;

import java.io.IOException;
import java.lang.reflect.Method;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Pipe;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.security.SecureRandom;

/**
 * Makes the JVM open, before the first count, the descriptors it opens once and keeps: the poller behind virtual
 * threads, the sockets that channels are closed with. The system property {@value #PROPERTY} names more, as a comma
 * separated list of {@link Runnable} classes with a constructor without parameters; each is run once.
 */
final class WarmUp {
    static final String PROPERTY = "imsg.testing.warm-up";
    private static boolean done;

    private WarmUp() {}

    static synchronized void once() {
        if (done) {
            return;
        }
        done = true;
        try {
            openSockets();
            parkOneVirtualThread();
            new SecureRandom().nextInt();
            for (String name : System.getProperty(PROPERTY, "").split(",")) {
                if (!name.isBlank()) {
                    run(name.strip());
                }
            }
        } catch (IOException e) {
            throw new IllegalStateException("the JVM's own descriptors could not be opened before counting", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while opening the JVM's own descriptors", e);
        }
    }

    private static void openSockets() throws IOException {
        try (SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX)) {
            channel.connect(UnixDomainSocketAddress.of(Path.of("/proc/self/no-such-socket")));
        } catch (IOException _) {
            // expected: the attempt alone loads what a connection needs
        }
    }

    private static void parkOneVirtualThread() throws IOException, InterruptedException {
        Pipe pipe = Pipe.open();
        try (var source = pipe.source(); var sink = pipe.sink()) {
            Thread reader = Thread.startVirtualThread(() -> {
                try {
                    source.read(ByteBuffer.allocate(1));
                } catch (IOException _) {
                    // the join below ends either way
                }
            });
            while (reader.getState() != Thread.State.WAITING && reader.isAlive()) {
                Thread.onSpinWait();
            }
            sink.write(ByteBuffer.allocate(1));
            reader.join();
        }
    }

    /** Runs {@code Class}, a Runnable, or {@code Class#method}, a static one. */
    private static void run(String name) {
        try {
            Class<?> type = Class.forName(name.replaceAll("#.*", ""));
            if (name.contains("#")) {
                Method method = type.getDeclaredMethod(name.substring(name.indexOf('#') + 1));
                method.setAccessible(true);
                method.invoke(null);
            } else {
                var constructor = type.getDeclaredConstructor();
                constructor.setAccessible(true);
                ((Runnable) constructor.newInstance()).run();
            }
        } catch (ReflectiveOperationException | ClassCastException e) {
            throw new IllegalStateException("-D" + PROPERTY + " names " + name + ", which cannot be run", e);
        }
    }
}
