package org.imsg.examples.demo;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import org.imsg.Imsg;
import org.imsg.ImsgChannel;
import org.imsg.WireFormat;
import org.imsg.unix.Child;
import org.imsg.unix.Fd;
import org.imsg.unix.FdChannel;
import org.imsg.unix.OpenFlag;

/**
 * Talks with {@code imsg-peer}, a C program written to imsg(3), over a socketpair in both wire formats: messages both ways, a
 * file's descriptor each way. Then asks a real tmux server for its version, where there is a tmux.
 */
public final class Demo {
    private static final int ECHO = 1;
    private static final int FILE = 2;
    private static final int WRITTEN = FILE + 1;

    private final Path peers;
    private final Path directory;
    private final PrintStream out;

    private Demo(Path peers, Path directory, PrintStream out) {
        this.peers = peers;
        this.directory = directory;
        this.out = out;
    }

    /**
     * Runs the demo; ends with exit code 1 if anything is not as it should be.
     *
     * @param arguments the directory that has imsg-peer-classic and imsg-peer-modern in it
     * @throws Exception if something fails
     */
    public static void main(String[] arguments) throws Exception {
        if (arguments.length != 1) {
            System.err.println("usage: Demo DIRECTORY-OF-IMSG-PEER");
            System.exit(2);
        }
        Path directory = Files.createTempDirectory("imsg-demo");
        try {
            Demo demo = new Demo(Path.of(arguments[0]), directory, System.out);
            for (WireFormat format : new WireFormat[]{WireFormat.CLASSIC, WireFormat.MODERN})
                demo.talkWithC(format);
            demo.askTmux();
        } finally {
            deleteTree(directory);
        }
        System.out.println("demo: ok");
    }

    private void talkWithC(WireFormat format) throws Exception {
        out.println();
        out.println("A C program on the other end of a socketpair, wire format " + format + ":");
        Transcript.printHeading(out);
        withPeer(format, peer -> {
            peer.send(Imsg.of(ECHO, 7, 0, "hello from Java".getBytes(StandardCharsets.UTF_8)));
            Imsg echo = peer.receive();
            expect("the echo", "hello from Java", echo.getString(echo.length()));
        }, "echo");

        Path file = directory.resolve("file-" + format);
        withPeer(format, peer -> {
            Fd writable = Fd.open(file, OpenFlag.WRITE, OpenFlag.CREATE_NEW);
            peer.send(Imsg.of(FILE, "write here").withFd(writable));
            expect("the answer's type", WRITTEN, peer.receive().type());
        }, "recvfd", "written by C through a descriptor from Java");
        out.println("    the file Java passed now says: " + Files.readString(file));
        expect("the file", "written by C through a descriptor from Java", Files.readString(file));

        Files.writeString(file, "read by Java through a descriptor from C");
        withPeer(format, peer -> {
            try (Imsg message = peer.receive(); FdChannel received = new FdChannel(message.takeFd())) {
                ByteBuffer text = ByteBuffer.allocate(256);
                received.read(text);
                String read = StandardCharsets.UTF_8.decode(text.flip()).toString();
                out.println("    the file C passed says: " + read);
                expect("the file", "read by Java through a descriptor from C", read);
            }
        }, "-t", String.valueOf(FILE), "sendfd", file.toString());
    }

    /** A talk with a peer. */
    @FunctionalInterface
    private interface Conversation {
        void with(Transcript peer) throws IOException;
    }

    /** Starts the C peer with its end of a socketpair as descriptor 3, talks, and sees that it ends well. */
    private void withPeer(WireFormat format, Conversation conversation, String... mode) throws Exception {
        Path program = peers.resolve("imsg-peer-" + format.name().toLowerCase(java.util.Locale.ROOT));
        Child child;
        try (Fd.Pair sockets = Fd.socketpair()) {
            child = Child.of(program, mode).descriptor(3, sockets.second()).start();
            sockets.second().close();
            try (ImsgChannel channel = ImsgChannel.of(sockets.first()).allowFdPassing().format(format)) {
                conversation.with(new Transcript(channel, "C", out));
            }
        }
        expect("how " + program.getFileName() + " ended", new Child.ExitStatus(0, 0),
                child.waitFor(Duration.ofSeconds(10)).orElse(null));
    }

    private void askTmux() throws Exception {
        out.println();
        Path tmux = Path.of("/usr/bin/tmux");
        if (!Files.isExecutable(tmux)) {
            out.println("No " + tmux + " here: its server is not asked.");
            return;
        }
        out.println("The real tmux server, asked for its version over imsg:");
        Transcript.printHeading(out);
        String version = TmuxQuestion.ask(tmux, directory, "#{version}", out);
        out.println("    tmux says: " + version);
    }

    private static void expect(String what, Object expected, Object actual) throws IOException {
        if (!expected.equals(actual))
            throw new IOException(what + " should be " + expected + ", not " + actual);
    }

    private static void deleteTree(Path directory) throws IOException {
        try (var files = Files.list(directory)) {
            for (Path file : files.toList())
                Files.delete(file);
        }
        Files.delete(directory);
    }
}
