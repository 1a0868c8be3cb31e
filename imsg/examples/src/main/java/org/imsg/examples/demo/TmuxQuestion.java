package org.imsg.examples.demo;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardWatchEventKinds;
import java.nio.file.WatchKey;
import java.nio.file.WatchService;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.imsg.Ibuf;
import org.imsg.Imsg;
import org.imsg.ImsgChannel;
import org.imsg.unix.Child;
import org.imsg.unix.ErrnoException;

/**
 * A tmux client of a few lines: starts a server of its own, says who it is, runs display-message and collects what is printed.
 * The messages are those of tmux's protocol 8, in the id of every message.
 */
final class TmuxQuestion {
    private static final int PROTOCOL = 8;
    private static final int IDENTIFY_TERM = 101;
    private static final int IDENTIFY_TTYNAME = 102;
    private static final int IDENTIFY_DONE = 106;
    private static final int IDENTIFY_CLIENTPID = 107;
    private static final int IDENTIFY_CWD = 108;
    private static final int IDENTIFY_LONGFLAGS = 111;
    private static final int COMMAND = 200;
    private static final int EXIT = 203;
    private static final int EXITED = 204;
    private static final int EXITING = 205;
    private static final int WRITE_OPEN = 303;
    private static final int WRITE = 304;
    private static final int WRITE_READY = 305;
    private static final long UTF8 = 0x10000;

    private final Transcript tmux;

    private TmuxQuestion(Transcript tmux) {
        this.tmux = tmux;
    }

    static String ask(Path program, Path directory, String format, PrintStream out) throws Exception {
        Path socket = directory.resolve("tmux");
        Child server;
        try (WatchService watch = FileSystems.getDefault().newWatchService()) {
            directory.register(watch, StandardWatchEventKinds.ENTRY_CREATE);
            server = Child.of(program, "-S", socket.toString(), "-f", "/dev/null", "-D")
                    .environment("LC_ALL", "C.UTF-8")
                    .environment("PATH", "/usr/bin:/bin").start();
            try (ImsgChannel channel = connect(socket, watch)) {
                return new TmuxQuestion(new Transcript(channel, "tmux", out)).ask(format);
            } finally {
                server.kill(15);
                if (server.waitFor(Duration.ofSeconds(10)).isEmpty())
                    server.kill(9);
                Files.deleteIfExists(socket);
            }
        }
    }

    /** The socket's file is there a moment before anybody listens. */
    private static ImsgChannel connect(Path socket, WatchService watch) throws IOException, InterruptedException {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(10);
        for (;;) {
            try {
                return ImsgChannel.connect(socket);
            } catch (ErrnoException e) {
                if (System.nanoTime() > deadline)
                    throw e;
                WatchKey key = watch.poll(50, TimeUnit.MILLISECONDS);
                if (key != null)
                    key.reset();
            }
        }
    }

    private String ask(String format) throws IOException {
        identify();
        Ibuf command = Ibuf.dynamic(64, 1024).addH32(3);
        for (String argument : new String[]{"display-message", "-p", format})
            command.add((argument + "\0").getBytes(StandardCharsets.UTF_8));
        send(COMMAND, command);
        StringBuilder printed = new StringBuilder();
        for (;;) {
            Imsg message = tmux.receive();
            switch (message.type()) {
                case WRITE_OPEN -> send(WRITE_READY, Ibuf.open(8).addH32(message.getIbuf().getH32()).addH32(0));
                case WRITE -> {
                    Ibuf data = message.getIbuf();
                    data.skip(4);
                    printed.append(data.getString(data.size()));
                }
                case EXIT -> send(EXITING, Ibuf.open(0));
                case EXITED -> {
                    return printed.toString().strip();
                }
                default -> throw new IOException("tmux sent a message of type " + message.type());
            }
        }
    }

    private void identify() throws IOException {
        send(IDENTIFY_LONGFLAGS, Ibuf.open(8).addH64(UTF8));
        send(IDENTIFY_TERM, string("dumb"));
        // Without a terminal, but not without its name: tmux 3.3a does not look whether there is one.
        send(IDENTIFY_TTYNAME, string(""));
        send(IDENTIFY_CWD, string("/"));
        send(IDENTIFY_CLIENTPID, Ibuf.open(4).addH32(ProcessHandle.current().pid()));
        send(IDENTIFY_DONE, Ibuf.open(0));
    }

    private static Ibuf string(String text) {
        return Ibuf.dynamic(64, 1024).add((text + "\0").getBytes(StandardCharsets.UTF_8));
    }

    private void send(int type, Ibuf payload) throws IOException {
        tmux.send(Imsg.of(type, PROTOCOL, 0, payload));
    }
}
