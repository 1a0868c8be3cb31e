package org.imsg.peers.tmux;

import java.io.BufferedReader;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

import org.imsg.ImsgChannel;
import org.imsg.unix.Fd;
import org.imsg.unix.FdChannel;

/**
 * tmux's control mode over two pipes of ours, whose other ends the server holds. Commands are answered in order. Not safe
 * for use by several threads at once.
 */
public final class TmuxControl implements AutoCloseable {
    private static final String BEGIN = "%begin";
    private static final String END = "%end";
    private static final String ERROR = "%error";

    private final ImsgChannel server;
    private final FdChannel commands;
    private final FdChannel answers;
    private final BufferedReader lines;
    private final List<String> notices = new ArrayList<>();

    /** Takes over all three, and waits for the answer to the first command. */
    TmuxControl(ImsgChannel server, Fd commands, Fd answers) throws IOException {
        this.server = server;
        this.commands = new FdChannel(commands);
        this.answers = new FdChannel(answers);
        this.lines = new BufferedReader(Channels.newReader(this.answers, StandardCharsets.UTF_8));
        try {
            answer();
        } catch (IOException | RuntimeException e) {
            try (this) {
                throw e;
            }
        }
    }

    /**
     * Runs a command.
     *
     * @param line the command as it would be written in tmux.conf
     * @return what it printed, line by line
     * @throws IOException if tmux refuses it, with its reason, or has left
     */
    public List<String> command(String line) throws IOException {
        if (line.indexOf('\n') >= 0)
            throw new IllegalArgumentException("a command is one line");
        ByteBuffer bytes = ByteBuffer.wrap((line + "\n").getBytes(StandardCharsets.UTF_8));
        while (bytes.hasRemaining())
            commands.write(bytes);
        return answer();
    }

    /**
     * Lines between a begin and its end are the answer; all others are notices. The end has the time and the number of the
     * begin: what a pane shows may look like an end.
     */
    private List<String> answer() throws IOException {
        List<String> answer = null;
        String which = "";
        for (String line; (line = lines.readLine()) != null;) {
            if (answer == null && line.startsWith(BEGIN + " ")) {
                answer = new ArrayList<>();
                which = line.substring(BEGIN.length());
            } else if (answer == null)
                notices.add(line);
            else if (line.equals(END + which))
                return answer;
            else if (line.equals(ERROR + which))
                throw new IOException("tmux refused: " + String.join("\n", answer));
            else
                answer.add(line);
        }
        throw new EOFException("tmux ended control mode before its answer");
    }

    /**
     * What tmux told without being asked since this was called last.
     *
     * @return lines that begin with {@code %}, such as {@code %session-changed $0 0}, as far as they came before an answer
     */
    public List<String> notices() {
        List<String> told = List.copyOf(notices);
        notices.clear();
        return told;
    }

    /** Leaves; the session stays if another client or its programs keep it. */
    @Override
    public void close() throws IOException {
        try (server; answers) {
            commands.close();
        }
    }
}
