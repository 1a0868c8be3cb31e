package org.imsg.peers.tmux;

import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;

import org.imsg.ImsgChannel;
import org.imsg.peers.Answers;
import org.imsg.peers.Lines;
import org.imsg.unix.Fd;
import org.imsg.unix.FdChannel;

/**
 * tmux's control mode over two pipes of ours, whose other ends the server holds. Commands are answered in order; where one is
 * not, because tmux is silent for ten seconds or answers with more than {@link Answers#MAX_ANSWER} bytes, control mode ends. Not safe
 * for use by several threads at once.
 */
public final class TmuxControl implements AutoCloseable {
    /** How many characters of notices are kept for {@link #notices()}; older ones are dropped. */
    public static final int MAX_NOTICES = 1 << 20;

    private static final String BEGIN = "%begin";
    private static final String END = "%end";
    private static final String ERROR = "%error";

    private final ImsgChannel server;
    private final FdChannel commands;
    private final FdChannel answers;
    private final Lines lines;
    private final ArrayDeque<String> notices = new ArrayDeque<>();
    private int noticed;

    private record Answer(boolean refused, List<String> lines) {}

    /** Takes over all three, and waits for the answer to the first command. */
    TmuxControl(ImsgChannel server, Fd commands, Fd answers) throws IOException {
        this.server = server;
        this.commands = new FdChannel(commands).timeout(Answers.PATIENCE);
        this.answers = new FdChannel(answers).timeout(Answers.PATIENCE);
        this.lines = new Lines("tmux", this.answers);
        try {
            printed(answer());
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
     * @throws IOException if tmux refuses it, with its reason; or has left or does not answer, and control mode has ended
     */
    public List<String> command(String line) throws IOException {
        if (line.indexOf('\n') >= 0)
            throw new IllegalArgumentException("a command is one line");
        ByteBuffer bytes = ByteBuffer.wrap((line + "\n").getBytes(StandardCharsets.UTF_8));
        Answer answer = null;
        try {
            commands.write(bytes);
            answer = answer();
        } finally {
            if (answer == null)
                close();
        }
        return printed(answer);
    }

    private static List<String> printed(Answer answer) throws IOException {
        if (answer.refused())
            throw new IOException("tmux refused: " + String.join("\n", answer.lines()));
        return answer.lines();
    }

    /**
     * Lines between a begin and its end are the answer; all others are notices. The end has the time and the number of the
     * begin: what a pane shows may look like an end.
     */
    private Answer answer() throws IOException {
        List<String> answer = null;
        String which = "";
        lines.allow(Answers.MAX_ANSWER);
        for (String line; (line = lines.next()) != null;) {
            if (answer == null && line.startsWith(BEGIN + " ")) {
                answer = new ArrayList<>();
                which = line.substring(BEGIN.length());
            } else if (answer == null)
                notice(line);
            else if (line.equals(END + which) || line.equals(ERROR + which))
                return new Answer(line.startsWith(ERROR), answer);
            else
                answer.add(line);
        }
        throw new EOFException("tmux ended control mode before its answer");
    }

    private void notice(String line) {
        lines.allow(Answers.MAX_ANSWER);
        notices.add(line);
        noticed += line.length();
        while (noticed > MAX_NOTICES)
            noticed -= notices.remove().length();
    }

    /**
     * What tmux told without being asked since this was called last.
     *
     * @return lines that begin with {@code %}, such as {@code %session-changed $0 0}, as far as they came before an answer: the last
     *     {@link #MAX_NOTICES} characters of them
     */
    public List<String> notices() {
        List<String> told = List.copyOf(notices);
        notices.clear();
        noticed = 0;
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
