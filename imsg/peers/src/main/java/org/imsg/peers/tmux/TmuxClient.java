package org.imsg.peers.tmux;

import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.nio.channels.ClosedChannelException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;

import org.imsg.Imsg;
import org.imsg.ImsgChannel;
import org.imsg.cstruct.CStruct;
import org.imsg.peers.Answers;
import org.imsg.peers.tmux.TmuxStructs.Command;
import org.imsg.peers.tmux.TmuxStructs.Exit;
import org.imsg.peers.tmux.TmuxStructs.LongFlags;
import org.imsg.peers.tmux.TmuxStructs.ReadOpen;
import org.imsg.peers.tmux.TmuxStructs.StreamData;
import org.imsg.peers.tmux.TmuxStructs.StreamError;
import org.imsg.peers.tmux.TmuxStructs.WriteOpen;
import org.imsg.unix.Fd;
import org.imsg.unix.UnixAddress;
import org.jspecify.annotations.Nullable;

/**
 * Runs commands in a tmux server, as the program {@code tmux} does. tmux takes one command a connection: this class holds
 * none, and is safe for use by several threads.
 *
 * {@snippet file="org/imsg/peers/tmux/TmuxClientTest.java" region="client"}
 *
 * <p>Every method throws {@link java.net.SocketTimeoutException} if the server is silent for ten seconds, and
 * {@link EOFException} if it leaves before the command has ended.
 */
public final class TmuxClient {
    static final long UTF8 = 0x10000;
    static final long CONTROL = 0x2000;

    private static final Duration PATIENCE = Answers.PATIENCE;
    private static final int EACCES = 13;
    private static final int QUEUED_AT_MOST = 1 << 18;
    /** The stream's number takes 4 bytes of a payload. */
    private static final int LARGEST_PIECE = ImsgChannel.MAX_IMSGSIZE - ImsgChannel.HEADER_SIZE - Integer.BYTES;

    private final Path socket;
    private final TmuxVersion version;

    /**
     * Names a server; nothing is connected yet.
     *
     * @param socket its socket
     * @param version what it is: {@code tmux -V}
     */
    public TmuxClient(Path socket, TmuxVersion version) {
        this.socket = socket;
        this.version = version;
    }

    /**
     * Runs a command without input.
     *
     * @param command the command and its arguments, such as {@code "list-sessions", "-F", "#{session_name}"}
     * @return how it ended
     * @throws IOException if the server cannot be reached, fails, or speaks another protocol
     */
    public TmuxOutcome run(String... command) throws IOException {
        return run(new byte[0], command);
    }

    /**
     * Runs a command with something on its standard input.
     *
     * @param input what it reads where it is told to read {@code -}
     * @param command the command and its arguments; a file it names would be the client's to open, which is refused
     * @return how it ended
     * @throws IOException if the server cannot be reached, fails, speaks another protocol, or has more to say than
     *     {@link Answers#MAX_ANSWER} bytes
     */
    public TmuxOutcome run(byte[] input, String... command) throws IOException {
        try (ImsgChannel server = connect()) {
            identify(server, UTF8, null, null);
            send(server, TmuxVersion.COMMAND, TmuxStructs.COMMAND.toBytes(Command.of(command)));
            server.flush(PATIENCE);
            return new Run(server, version, input).toTheEnd();
        }
    }

    /**
     * Fills a paste buffer.
     *
     * @param name of the buffer
     * @param content any bytes, any number of them
     * @throws IOException if tmux refuses it, with its reason, or fails
     */
    public void loadBuffer(String name, byte[] content) throws IOException {
        done(run(content, "load-buffer", "-b", name, "-"));
    }

    /**
     * Reads a paste buffer.
     *
     * @param name of the buffer
     * @return all of it
     * @throws IOException if there is none of that name, with tmux's reason, it has more than {@link Answers#MAX_ANSWER} bytes,
     *     or tmux fails
     */
    public byte[] saveBuffer(String name) throws IOException {
        return done(run("save-buffer", "-b", name, "-")).output();
    }

    /**
     * Begins control mode: passes two pipes, over which commands go and answers and notices come.
     *
     * @param command what to begin with, such as {@code new-session} or {@code attach-session}
     * @return the control mode, which the caller closes
     * @throws IOException if the server cannot be reached or fails
     */
    public TmuxControl control(String... command) throws IOException {
        ImsgChannel server = connect();
        try (Fd.Pair input = Fd.pipe(); Fd.Pair output = Fd.pipe()) {
            identify(server, UTF8 | CONTROL, input.first(), output.second());
            send(server, TmuxVersion.COMMAND, TmuxStructs.COMMAND.toBytes(Command.of(command)));
            server.flush(PATIENCE);
            return new TmuxControl(server, input.second().move(), output.first().move());
        } catch (IOException | RuntimeException e) {
            try (server) {
                throw e;
            }
        }
    }

    private static TmuxOutcome done(TmuxOutcome outcome) throws IOException {
        if (outcome.code() != 0)
            throw new IOException("tmux ended with " + outcome.code() + ": " + outcome.errors().strip());
        return outcome;
    }

    private ImsgChannel connect() throws IOException {
        return version.prepare(ImsgChannel.connect(UnixAddress.of(socket), PATIENCE));
    }

    /** Tells who we are; the descriptors are moved into the messages. */
    private static void identify(ImsgChannel server, long flags, @Nullable Fd stdin, @Nullable Fd stdout)
            throws IOException {
        send(server, TmuxVersion.IDENTIFY_LONGFLAGS, TmuxStructs.LONG_FLAGS.toBytes(new LongFlags(flags)));
        send(server, TmuxVersion.IDENTIFY_TERM, TmuxStructs.string("dumb"));
        send(server, TmuxVersion.IDENTIFY_TTYNAME, TmuxStructs.string(""));
        send(server, TmuxVersion.IDENTIFY_CWD, TmuxStructs.string("/"));
        if (stdin != null) {
            server.compose(TmuxVersion.IDENTIFY_STDIN, TmuxVersion.PROTOCOL, 0, stdin, new byte[0]);
            server.compose(TmuxVersion.IDENTIFY_STDOUT, TmuxVersion.PROTOCOL, 0, stdout, new byte[0]);
        }
        int pid = (int) ProcessHandle.current().pid();
        send(server, TmuxVersion.IDENTIFY_CLIENTPID, TmuxStructs.NUMBER.toBytes(new TmuxStructs.Number(pid)));
        send(server, TmuxVersion.IDENTIFY_DONE, new byte[0]);
    }

    private static void send(ImsgChannel server, int type, byte[] payload) throws ClosedChannelException {
        server.compose(type, TmuxVersion.PROTOCOL, 0, payload);
    }

    /** One command from being sent to its end: the server reads and writes our streams by messages. */
    private static final class Run {
        private final ImsgChannel server;
        private final Answers<TmuxVersion> answers;
        private final byte[] input;
        private final ByteArrayOutputStream output = new ByteArrayOutputStream();
        private final ByteArrayOutputStream errors = new ByteArrayOutputStream();
        private int streamOfErrors = 2;

        Run(ImsgChannel server, TmuxVersion version, byte[] input) {
            this.server = server;
            this.answers = new Answers<>("the tmux server", server, version, List.of(TmuxVersion.values()));
            this.input = input;
        }

        TmuxOutcome toTheEnd() throws IOException {
            while (true) {
                try (Imsg message = answers.receive()) {
                    check(message);
                    switch (message.type()) {
                        case TmuxVersion.WRITE_OPEN -> writeOpen(read(message, TmuxStructs.WRITE_OPEN));
                        case TmuxVersion.WRITE -> write(read(message, TmuxStructs.STREAM_DATA));
                        case TmuxVersion.READ_OPEN -> readOpen(read(message, TmuxStructs.READ_OPEN));
                        case TmuxVersion.EXIT -> {
                            return exit(message);
                        }
                        case TmuxVersion.SHUTDOWN -> {
                            return new TmuxOutcome(0, output.toByteArray(), errors.toString(StandardCharsets.UTF_8));
                        }
                        default -> {
                            // what a terminal would be told
                        }
                    }
                }
                server.flush(PATIENCE);
            }
        }

        /** As tmux does: every message says which protocol it is of. What a terminal would be told is let pass. */
        private void check(Imsg message) throws IOException {
            int protocol = message.id() & 0xff;
            if (protocol != TmuxVersion.PROTOCOL || message.type() == TmuxVersion.VERSION)
                throw new IOException("the tmux server speaks protocol " + protocol + ", not " + TmuxVersion.PROTOCOL);
            answers.read(message, (_, answer) -> TmuxVersion.known(answer));
        }

        private <R extends Record> R read(Imsg message, CStruct<R> struct) throws IOException {
            return answers.read(message, (_, answer) -> answer.getData(struct));
        }

        private void writeOpen(WriteOpen open) throws IOException {
            if (open.fd() == 2)
                streamOfErrors = open.stream();
            int error = open.fd() < 0 ? EACCES : 0;
            send(server, TmuxVersion.WRITE_READY,
                    TmuxStructs.STREAM_ERROR.toBytes(new StreamError(open.stream(), error)));
        }

        private void write(StreamData data) {
            (data.stream() == streamOfErrors ? errors : output).writeBytes(data.data());
        }

        private void readOpen(ReadOpen open) throws IOException {
            int error = open.fd() < 0 ? EACCES : 0;
            for (int from = 0; error == 0 && from < input.length; from += LARGEST_PIECE) {
                byte[] piece = Arrays.copyOfRange(input, from, Math.min(input.length, from + LARGEST_PIECE));
                send(server, TmuxVersion.READ, TmuxStructs.STREAM_DATA.toBytes(new StreamData(open.stream(), piece)));
                if (server.queuedBytes() > QUEUED_AT_MOST)
                    server.flush(PATIENCE);
            }
            send(server, TmuxVersion.READ_DONE,
                    TmuxStructs.STREAM_ERROR.toBytes(new StreamError(open.stream(), error)));
        }

        private TmuxOutcome exit(Imsg message) throws IOException {
            int code = 0;
            if (message.length() > 0) {
                Exit exit = read(message, TmuxStructs.EXIT);
                code = exit.code();
                errors.write(exit.message(), 0, Math.max(0, exit.message().length - 1));
            }
            send(server, TmuxVersion.EXITING, new byte[0]);
            server.flush(PATIENCE);
            return new TmuxOutcome(code, output.toByteArray(), errors.toString(StandardCharsets.UTF_8));
        }
    }
}
