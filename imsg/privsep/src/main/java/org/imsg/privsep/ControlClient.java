package org.imsg.privsep;

import java.io.EOFException;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.imsg.Imsg;
import org.imsg.ImsgChannel;
import org.imsg.unix.UnixAddress;

/**
 * A client of a program's control socket, which speaks {@link ControlProtocol}. For one thread at a time. Every method throws a
 * {@link ControlRefusedException} if the program refuses, {@link java.net.SocketTimeoutException} if it has not answered in time, and
 * another {@link IOException} if it is gone; but for a refusal the client is closed then. A program drops a client that asks nothing, or
 * reads no answer, for ten seconds: one that asks now and then connects each time.
 */
public final class ControlClient implements AutoCloseable {
    /** Bytes of one answer at most, each message with its header: 4 MiB. Its entries are kept, and take many times as much. */
    public static final int MAX_ANSWER = 4 << 20;

    private final ImsgChannel channel;
    private final Duration patience;

    private ControlClient(ImsgChannel channel, Duration patience) {
        this.channel = channel;
        this.patience = patience;
    }

    /**
     * Connects.
     *
     * @param socket the program's control socket
     * @param patience how long the connection, and each message, may take
     * @return a client, the caller's to close
     * @throws IOException if it cannot connect
     */
    public static ControlClient connect(Path socket, Duration patience) throws IOException {
        return new ControlClient(ImsgChannel.connect(UnixAddress.of(socket), patience), patience);
    }

    /**
     * Asks for the state of the parent and of each process.
     *
     * @return the values of each by the names of {@link ControlProtocol}, the parent first
     * @throws IOException as said above
     */
    public List<Map<String, String>> status() throws IOException {
        return ask(ControlProtocol.STATUS, "");
    }

    /**
     * Has each process held against what its role declares.
     *
     * @return the values of each, with {@code differences}, their number, and {@code difference-1} and so on
     * @throws IOException as said above
     */
    public List<Map<String, String>> verify() throws IOException {
        return ask(ControlProtocol.VERIFY, "");
    }

    /**
     * Sets how much is logged.
     *
     * @param verbose whether records of level DEBUG are
     * @throws IOException as said above
     */
    public void log(boolean verbose) throws IOException {
        ask(ControlProtocol.LOG, verbose ? "verbose" : "brief");
    }

    /**
     * Has the program read its configuration again.
     *
     * @throws IOException as said above
     */
    public void reload() throws IOException {
        ask(ControlProtocol.RELOAD, "");
    }

    /**
     * Stops the program.
     *
     * @throws IOException as said above
     */
    public void stop() throws IOException {
        ask(ControlProtocol.STOP, "");
    }

    /**
     * Starts a role that is down or has ended.
     *
     * @param role the role
     * @throws IOException as said above
     */
    public void up(String role) throws IOException {
        ask(ControlProtocol.UP, role);
    }

    /**
     * Stops a role.
     *
     * @param role the role
     * @throws IOException as said above
     */
    public void down(String role) throws IOException {
        ask(ControlProtocol.DOWN, role);
    }

    /**
     * Starts a role anew.
     *
     * @param role the role
     * @throws IOException as said above
     */
    public void restart(String role) throws IOException {
        ask(ControlProtocol.RESTART, role);
    }

    /** A late answer must not be taken for that of the next request. */
    private List<Map<String, String>> ask(int type, String word) throws IOException {
        boolean answered = false;
        try {
            List<Map<String, String>> entries = exchange(type, word);
            answered = true;
            return entries;
        } catch (ControlRefusedException e) {
            answered = true;
            throw e;
        } finally {
            if (!answered)
                channel.close();
        }
    }

    private List<Map<String, String>> exchange(int type, String word) throws IOException {
        channel.send(word.isEmpty() ? Imsg.of(type) : Imsg.of(type, word), patience);
        List<Map<String, String>> entries = new ArrayList<>();
        for (int received = 0;;) {
            try (Imsg reply = channel.receive(patience)) {
                if (reply == null)
                    throw new EOFException("the program has closed its control socket before it answered");
                received += ImsgChannel.HEADER_SIZE + reply.length();
                if (received > MAX_ANSWER)
                    throw new IOException("the program sent more than " + MAX_ANSWER + " bytes in one answer");
                String text = reply.length() == 0 ? "" : reply.getStrbuf(reply.length());
                switch (reply.type()) {
                    case ControlProtocol.ENTRY -> entries.add(entry(text));
                    case ControlProtocol.OK -> {
                        return entries;
                    }
                    case ControlProtocol.REFUSED -> throw new ControlRefusedException(text);
                    default -> throw new IOException("an answer of type 0x" + Integer.toHexString(reply.type())
                            + " is none of a control socket");
                }
            }
        }
    }

    private static Map<String, String> entry(String text) {
        Map<String, String> entry = new LinkedHashMap<>();
        text.lines().forEach(line -> {
            int blank = line.indexOf(' ');
            entry.put(blank < 0 ? line : line.substring(0, blank), blank < 0 ? "" : line.substring(blank + 1));
        });
        return entry;
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }
}
