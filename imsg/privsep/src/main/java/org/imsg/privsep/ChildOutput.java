package org.imsg.privsep;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.imsg.unix.Child;
import org.imsg.unix.Fd;
import org.imsg.unix.FdChannel;
import org.imsg.unix.OpenFlag;

/**
 * The standard streams of a child: nothing to read, and a pipe each for what it prints, which a thread each reads line by line
 * into the child's log. The threads slow down, but never stop reading while the child lives: a JVM stops as a whole when its log
 * cannot be written.
 */
final class ChildOutput implements AutoCloseable {
    private final List<Fd> given = new ArrayList<>();
    private final List<FdChannel> pipes = new ArrayList<>();
    private final List<Thread> readers = new ArrayList<>();
    private final int longest;
    private volatile String firstLine = "";

    /** Gives the child that is about to be started its streams. */
    ChildOutput(Child.Builder builder, PeerBounds bounds) throws IOException {
        longest = bounds.recordLength();
        try {
            give(builder, 0, Fd.open(Path.of("/dev/null"), OpenFlag.READ));
            for (int number = 1; number <= 2; number++) {
                Fd.Pair pipe = Fd.pipe();
                give(builder, number, pipe.second());
                pipes.add(new FdChannel(pipe.first()));
            }
        } catch (Throwable e) {
            close();
            throw e;
        }
    }

    private void give(Child.Builder builder, int number, Fd fd) {
        given.add(fd);
        builder.descriptor(number, fd);
    }

    /** Reads what the child prints, until it prints no more. Before its start: later there may be no thread to be had. */
    void startReading(String child, RatedLog log, Consumer<Throwable> failed) {
        for (int i = 0; i < pipes.size(); i++) {
            FdChannel pipe = pipes.get(i);
            System.Logger.Level level = i == 0 ? System.Logger.Level.INFO : System.Logger.Level.WARNING;
            String prefix = child + (i == 0 ? " stdout: " : " stderr: ");
            readers.add(Thread.ofPlatform().daemon().name("imsg-output-" + child).start(() -> {
                try {
                    read(pipe, log, line -> {
                        if (firstLine.isEmpty())
                            firstLine = line.strip();
                        log.log(level, prefix + line);
                    });
                } catch (IOException _) {
                    // closed here
                } catch (Throwable e) {
                    failed.accept(e);
                }
            }));
        }
    }

    private void read(FdChannel pipe, RatedLog log, Consumer<String> lines) throws IOException {
        ByteBuffer bytes = ByteBuffer.allocate(8192);
        ByteArrayOutputStream line = new ByteArrayOutputStream();
        boolean begun = false;
        while (pipe.read(bytes.clear()) >= 0) {
            log.slowDown();
            for (bytes.flip(); bytes.hasRemaining();) {
                byte next = bytes.get();
                begun = next != '\n';
                // One more than is logged, so that a cut is seen.
                if (begun && line.size() <= longest)
                    line.write(next);
                if (!begun) {
                    lines.accept(line.toString(StandardCharsets.UTF_8));
                    line.reset();
                }
            }
        }
        if (begun)
            lines.accept(line.toString(StandardCharsets.UTF_8));
    }

    /** The first line with something on it; empty if there was none. */
    String firstLine() {
        return firstLine;
    }

    /** The child has its ends. */
    void handedOver() {
        given.forEach(Fd::close);
    }

    /** Waits until all that was printed has been read, for so long at most in all. */
    void await(Duration most) throws InterruptedException {
        long end = System.nanoTime() + most.toNanos();
        for (Thread reader : readers)
            reader.join(Duration.ofNanos(Math.max(0, end - System.nanoTime())));
    }

    @Override
    public void close() {
        handedOver();
        for (FdChannel pipe : pipes) {
            try {
                pipe.close();
            } catch (IOException _) {
                // closed all the same
            }
        }
    }
}
