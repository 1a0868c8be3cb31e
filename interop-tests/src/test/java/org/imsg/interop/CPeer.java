package org.imsg.interop;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.file.Path;
import java.util.Locale;

import org.imsg.WireFormat;
import org.imsg.unix.Child;
import org.imsg.unix.Fd;
import org.imsg.unix.FdChannel;

/** A running imsg-peer, the C program of c-reference; its README says what it does. Closing it kills one that still runs. */
final class CPeer implements AutoCloseable {
    private static final int SIGKILL = 9;

    private final Child child;
    private final FdChannel stdin;
    private final FdChannel stdout;
    private final FdChannel stderr;

    private CPeer(Child child, FdChannel stdin, FdChannel stdout, FdChannel stderr) {
        this.child = child;
        this.stdin = stdin;
        this.stdout = stdout;
        this.stderr = stderr;
    }

    /** How a peer ended, and what it printed. */
    record End(int code, int signal, String out, String err) {
        static final End QUIET = new End(0, 0, "", "");
    }

    /** Starts one that finds its socket by its arguments. */
    static CPeer start(WireFormat format, String... arguments) throws IOException {
        return start(format, null, arguments);
    }

    /** Starts one with the socket, if not null, as descriptor 3; the socket stays the caller's. */
    static CPeer start(WireFormat format, Fd socket, String... arguments) throws IOException {
        try (Fd.Pair in = Fd.pipe(); Fd.Pair out = Fd.pipe(); Fd.Pair err = Fd.pipe()) {
            Child.Builder builder = Child.of(program(format), arguments).descriptor(0, in.first())
                    .descriptor(1, out.second()).descriptor(2, err.second());
            if (socket != null)
                builder.descriptor(3, socket);
            Child child = builder.start();
            return new CPeer(child, new FdChannel(in.second()), new FdChannel(out.first()),
                    new FdChannel(err.first()));
        }
    }

    private static Path program(WireFormat format) {
        String directory = System.getProperty("imsg.c-reference", "../c-reference/target");
        return Path.of(directory, "imsg-peer-" + format.name().toLowerCase(Locale.ROOT)).toAbsolutePath();
    }

    int pid() {
        return child.pid();
    }

    /** Lets a peer in the mode split write the second part. */
    void go() throws IOException {
        stdin.write(ByteBuffer.wrap(new byte[]{'\n'}));
    }

    /** Waits for the line that says that it listens. */
    void awaitListening() throws IOException {
        ByteArrayOutputStream line = new ByteArrayOutputStream();
        InputStream bytes = Channels.newInputStream(stdout);
        for (int b; (b = bytes.read()) != '\n'; line.write(b))
            if (b == -1)
                throw new IOException("imsg-peer does not listen: " + text(stderr));
        if (!line.toString(UTF_8).equals("listening"))
            throw new IOException("imsg-peer said " + line.toString(UTF_8));
    }

    /** Waits until it has ended by itself. */
    End awaitEnd() throws IOException, InterruptedException {
        Child.ExitStatus status = child.waitFor();
        return new End(status.code(), status.signal(), text(stdout), text(stderr));
    }

    private static String text(FdChannel channel) throws IOException {
        return new String(Channels.newInputStream(channel).readAllBytes(), UTF_8);
    }

    @Override
    public void close() throws IOException {
        boolean interrupted = Thread.interrupted();
        child.kill(SIGKILL);
        try (stdin; stdout; stderr) {
            child.waitFor();
        } catch (InterruptedException _) {
            interrupted = true;
        } finally {
            if (interrupted)
                Thread.currentThread().interrupt();
        }
    }
}
