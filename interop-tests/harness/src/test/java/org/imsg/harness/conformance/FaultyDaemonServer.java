package org.imsg.harness.conformance;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.imsg.unix.Child;
import org.imsg.unix.Fd;
import org.imsg.unix.FdChannel;

/** The program imsg-daemon of c-reference with one of its faults, at a socket. */
public final class FaultyDaemonServer implements AutoCloseable {
    static final Path PROGRAM = Path.of(System.getProperty("imsg.c-reference", "../c-reference/target"),
            "imsg-daemon").toAbsolutePath();

    private final Path program;
    private final List<String> arguments = new ArrayList<>();
    private Child child;

    /** A fault that the program knows; {@code crash} if one client can end it by what it says. */
    record Fault(String name, int type, boolean crash) {
        @Override
        public String toString() {
            return name;
        }
    }

    FaultyDaemonServer(Path socket, boolean classic, String fault) throws IOException {
        this(PROGRAM, socket, classic, fault);
    }

    /** Under another name. */
    FaultyDaemonServer(Path program, Path socket, boolean classic, String fault) throws IOException {
        this.program = program;
        if (classic)
            arguments.add("-c");
        arguments.addAll(List.of(socket.toString(), fault));
        child = start();
    }

    /** All that the program can do wrong, and last that it does nothing wrong. */
    static List<Fault> faults() throws IOException {
        List<Fault> faults = new ArrayList<>();
        for (String line : output("-l").lines().toList()) {
            String[] words = line.split("\\s+");
            faults.add(new Fault(words[0], Integer.parseInt(words[1]), words[2].equals("c")));
        }
        return faults;
    }

    private static String output(String argument) throws IOException {
        try (Fd.Pair pipe = Fd.pipe()) {
            Child lister = Child.of(PROGRAM, argument).descriptor(1, pipe.second()).start();
            pipe.second().close();
            String text = read(pipe, "");
            Threads.await(lister);
            return text;
        }
    }

    /** All that comes until the end, or until a word. */
    private static String read(Fd.Pair pipe, String until) throws IOException {
        StringBuilder text = new StringBuilder();
        try (FdChannel in = new FdChannel(pipe.first())) {
            ByteBuffer bytes = ByteBuffer.allocate(8192);
            while ((until.isEmpty() || text.indexOf(until) < 0) && in.read(bytes) >= 0) {
                text.append(StandardCharsets.US_ASCII.decode(bytes.flip()));
                bytes.clear();
            }
        }
        return text.toString();
    }

    private Child start() throws IOException {
        try (Fd.Pair pipe = Fd.pipe()) {
            Child started = Child.of(program, arguments.toArray(String[]::new)).descriptor(1, pipe.second()).start();
            pipe.second().close();
            if (!read(pipe, "listening").contains("listening"))
                throw new IOException(program + " does not listen");
            return started;
        }
    }

    /** Ends what is left of it and starts it anew. */
    void restart() throws IOException {
        close();
        child = start();
    }

    @Override
    public void close() {
        child.kill(9);
        Threads.await(child);
    }
}
