package org.imsg.harness.stream;

import java.io.FileDescriptor;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.channels.AsynchronousCloseException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.imsg.sys.Deadline;
import org.imsg.sys.OpenDescriptor;
import org.imsg.sys.Readiness;
import org.imsg.unix.Fd;

/** The standard input of this process, where a close by another thread ends a read; it does not with System.in. */
public final class StandardInput extends InputStream {
    private final InputStream bytes = new FileInputStream(FileDescriptor.in);
    private final Fd waited;
    private final OpenDescriptor descriptor;

    /**
     * The standard input, which stays open when this is closed.
     *
     * @throws IOException if there is none
     */
    public StandardInput() throws IOException {
        if (isOfTheJvm())
            throw new IOException("the standard input is closed");
        Fd borrowed = Fd.of(0);
        try {
            waited = borrowed.dup();
        } finally {
            borrowed.release();
        }
        descriptor = OpenDescriptor.of(waited);
    }

    /** Whether the number was free, and the JVM's own first file got it. */
    private static boolean isOfTheJvm() {
        try {
            return Files.isSameFile(Path.of("/proc/self/fd/0"),
                    Path.of(System.getProperty("java.home"), "lib", "modules"));
        } catch (IOException _) {
            return false;
        }
    }

    @Override
    public int read() throws IOException {
        byte[] one = new byte[1];
        return read(one, 0, 1) < 0 ? -1 : Byte.toUnsignedInt(one[0]);
    }

    @Override
    public int read(byte[] into, int from, int length) throws IOException {
        int number = descriptor.enter();
        try {
            while (!Readiness.READABLE.isNow(number) && waited.isOpen())
                descriptor.await(Readiness.READABLE, Deadline.FOREVER);
            if (!waited.isOpen())
                throw new AsynchronousCloseException();
            return bytes.read(into, from, length);
        } finally {
            descriptor.exit();
        }
    }

    /** Ends a read of another thread. */
    @Override
    public void close() {
        waited.close();
    }
}
