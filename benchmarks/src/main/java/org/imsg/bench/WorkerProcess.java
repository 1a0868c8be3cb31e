package org.imsg.bench;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.imsg.unix.Child;
import org.imsg.unix.Fd;
import org.imsg.unix.FdChannel;

/** One end of a measured pair: a running program that does what a line tells it and answers with numbers. */
final class WorkerProcess implements AutoCloseable {
    private final List<String> command;
    private final Child child;
    private final FdChannel commands;
    private final BufferedReader answers;

    /** Starts the program and waits until it is ready. The socket, or null, becomes its descriptor 3 and is closed here. */
    WorkerProcess(List<String> command, Fd socket) throws IOException {
        this.command = command;
        try (Fd.Pair in = Fd.pipe(); Fd.Pair out = Fd.pipe()) {
            Child.Builder builder = Child
                    .of(Path.of(command.getFirst()), command.subList(1, command.size()).toArray(String[]::new))
                    .descriptor(0, in.first()).descriptor(1, out.second());
            if (socket != null)
                builder.descriptor(3, socket);
            child = builder.start();
            commands = new FdChannel(in.second());
            answers = new BufferedReader(
                    Channels.newReader(new FdChannel(out.first()), StandardCharsets.US_ASCII));
        } finally {
            if (socket != null)
                socket.close();
        }
        boolean ready = false;
        try {
            ready = "ready".equals(answers.readLine());
            if (!ready)
                throw died();
        } finally {
            if (!ready)
                close();
        }
    }

    int pid() {
        return child.pid();
    }

    void tell(String line) throws IOException {
        ByteBuffer bytes = StandardCharsets.US_ASCII.encode(line + "\n");
        while (bytes.hasRemaining())
            commands.write(bytes);
    }

    Map<String, Long> answer() throws IOException {
        String line = answers.readLine();
        if (line == null)
            throw died();
        Map<String, Long> numbers = new HashMap<>();
        for (String word : line.split(" ")) {
            int equals = word.indexOf('=');
            numbers.put(word.substring(0, equals), Long.parseLong(word.substring(equals + 1)));
        }
        return numbers;
    }

    private IOException died() {
        return new IOException("ended before it answered; what it said is above: " + String.join(" ", command));
    }

    @Override
    public void close() throws IOException {
        // The end of its input is its end, but not if it hangs in a socket.
        commands.close();
        answers.close();
        child.kill(15);
    }
}
