package org.imsg.privsep;

import java.io.IOException;
import java.lang.System.Logger.Level;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import org.imsg.Imsg;
import org.imsg.ImsgChannel;
import org.imsg.ImsgListener;
import org.imsg.unix.PeerCredentials;

/** The control socket of a program, as every daemon of OpenBSD has one: its clients ask and order in {@link ControlProtocol}. */
final class Control implements AutoCloseable {
    private static final int MOST_CLIENTS = 16;
    private static final int LONGEST_VALUE = 500;

    /** The program, as clients see it. */
    interface Program extends ParentProcess.Orders {
        List<Map<String, String>> status() throws IOException, InterruptedException;

        List<Map<String, String>> verify() throws IOException, InterruptedException;

        void verbose(boolean on);

        boolean hasRole(String name);
    }

    private final Program program;
    private final ImsgListener listener;
    private final System.Logger log;

    private Control(Program program, ImsgListener listener, System.Logger log) {
        this.program = program;
        this.listener = listener;
        this.log = log;
    }

    /** Listens, with mode 0600, and serves until it is closed. */
    static Control open(Path socket, Predicate<PeerCredentials> who, Program program, System.Logger log)
            throws IOException {
        Control control = new Control(program, ImsgListener.listen(socket).allow(who).maxConnections(MOST_CLIENTS),
                log);
        Thread.ofPlatform().daemon().name("imsg-control").start(control::serve);
        return control;
    }

    private void serve() {
        try {
            listener.serve((channel, peer) -> {
                for (Imsg next; (next = channel.receive()) != null;)
                    try (Imsg request = next) {
                        answer(channel, request, peer);
                    }
            });
        } catch (IOException e) {
            if (listener.isOpen())
                log.log(Level.ERROR, "the control socket serves no client any more: " + Printable.line(e));
        }
    }

    private void answer(ImsgChannel client, Imsg request, PeerCredentials peer)
            throws IOException, InterruptedException {
        String refused = null;
        try {
            refused = perform(client, request, peer);
        } catch (IOException | RuntimeException e) {
            if (!client.isOpen())
                throw e;
            refused = Printable.line(e);
        }
        client.send(refused == null ? Imsg.of(ControlProtocol.OK) : Imsg.of(ControlProtocol.REFUSED, refused));
    }

    /** Does it; returns why it is refused, or null. */
    private String perform(ImsgChannel client, Imsg request, PeerCredentials peer)
            throws IOException, InterruptedException {
        String word = request.length() == 0 ? "" : request.getStrbuf(request.length());
        switch (request.type()) {
            case ControlProtocol.STATUS -> send(client, program.status());
            case ControlProtocol.VERIFY -> send(client, program.verify());
            case ControlProtocol.LOG -> {
                if (!word.equals("verbose") && !word.equals("brief"))
                    return "the log is verbose or brief, not " + Printable.of(word, 40);
                program.verbose(word.equals("verbose"));
            }
            case ControlProtocol.RELOAD -> program.reload();
            case ControlProtocol.STOP -> program.stop();
            case ControlProtocol.UP, ControlProtocol.DOWN, ControlProtocol.RESTART -> {
                if (!program.hasRole(word))
                    return "there is no role " + Printable.of(word, 64);
                order(request.type(), word);
            }
            default -> {
                return "there is no request of type 0x" + Integer.toHexString(request.type());
            }
        }
        if (request.type() > ControlProtocol.VERIFY)
            log.log(Level.INFO, "uid " + peer.uid() + " said by the control socket: "
                    + words(request.type()) + (word.isEmpty() ? "" : " " + word));
        return null;
    }

    private void order(int type, String role) {
        switch (type) {
            case ControlProtocol.UP -> program.up(role);
            case ControlProtocol.DOWN -> program.down(role);
            default -> program.restart(role);
        }
    }

    private static String words(int type) {
        return List.of("log", "reload", "start", "stop", "restart", "stop the program").get(type - ControlProtocol.LOG);
    }

    private static void send(ImsgChannel client, List<Map<String, String>> entries) throws IOException {
        for (Map<String, String> entry : entries)
            client.send(Imsg.of(ControlProtocol.ENTRY, entry.entrySet().stream()
                    .map(each -> each.getKey() + " " + Printable.of(each.getValue(), LONGEST_VALUE))
                    .collect(Collectors.joining("\n"))));
    }

    @Override
    public void close() {
        try {
            listener.close();
        } catch (IOException e) {
            log.log(Level.DEBUG, "the control socket was not closed in order: " + Printable.line(e));
        }
    }
}
