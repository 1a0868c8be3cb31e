package org.imsg.privsep;

import java.io.IOException;
import java.lang.System.Logger.Level;
import java.net.SocketTimeoutException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import org.imsg.Imsg;
import org.imsg.ImsgChannel;
import org.imsg.ImsgListener;
import org.imsg.privsep.rights.Ancestry;
import org.imsg.unix.PeerCredentials;

/** The control socket of a program, as every daemon of OpenBSD has one: its clients ask and order in {@link ControlProtocol}. */
final class Control implements AutoCloseable {
    static final int MOST_CLIENTS = 16;
    private static final int LONGEST_VALUE = 500;
    /** The time for a request and for each part of an answer: clients that stall must not keep others out. */
    private static final Duration PATIENCE = Duration.ofSeconds(10);
    private static final Set<Integer> TAKING_A_WORD = Set.of(ControlProtocol.LOG, ControlProtocol.UP,
            ControlProtocol.DOWN, ControlProtocol.RESTART);

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
        Control control = new Control(program, ImsgListener.listen(socket)
                // A child, or whatever a child has started, gives no orders here, though it may be of the same user.
                .allow(peer -> !Ancestry.isOfThisProgram(peer.pid()) && who.test(peer)).maxConnections(MOST_CLIENTS),
                log);
        try {
            Thread.ofPlatform().daemon().name("imsg-control").start(control::serve);
            return control;
        } catch (Throwable e) {
            control.close();
            throw e;
        }
    }

    private void serve() {
        try {
            listener.serve((channel, peer) -> {
                for (Imsg next; (next = channel.receive(PATIENCE)) != null;)
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
        try {
            perform(client, request, peer);
            client.send(Imsg.of(ControlProtocol.OK), PATIENCE);
        } catch (IOException | RuntimeException e) {
            if (!client.isOpen() || e instanceof SocketTimeoutException)
                throw e;
            client.send(Imsg.of(ControlProtocol.REFUSED, Printable.line(e)), PATIENCE);
        }
        if (request.type() == ControlProtocol.STOP && request.length() == 0)
            program.stop();
    }

    private void perform(ImsgChannel client, Imsg request, PeerCredentials peer)
            throws IOException, InterruptedException {
        String word = request.length() == 0 ? "" : request.getStrbuf(request.length());
        if (!word.isEmpty() && !TAKING_A_WORD.contains(request.type()))
            throw new IOException("a request of type 0x" + Integer.toHexString(request.type()) + " takes no word");
        String done = switch (request.type()) {
            case ControlProtocol.STATUS -> send(client, program.status());
            case ControlProtocol.VERIFY -> send(client, program.verify());
            case ControlProtocol.LOG -> log(word);
            case ControlProtocol.RELOAD -> {
                program.reload();
                yield "reload";
            }
            case ControlProtocol.UP -> order("start ", word, program::up);
            case ControlProtocol.DOWN -> order("stop ", word, program::down);
            case ControlProtocol.RESTART -> order("restart ", word, program::restart);
            // After it has been answered.
            case ControlProtocol.STOP -> "stop the program";
            default -> throw new IOException("there is no request of type 0x" + Integer.toHexString(request.type()));
        };
        if (!done.isEmpty())
            log.log(Level.INFO, "uid " + peer.uid() + " said by the control socket: " + done);
    }

    private String log(String word) throws IOException {
        if (!word.equals("verbose") && !word.equals("brief"))
            throw new IOException("the log is verbose or brief, not " + Printable.of(word, 40));
        program.verbose(word.equals("verbose"));
        return "log " + word;
    }

    private String order(String what, String role, Consumer<String> order) throws IOException {
        if (!program.hasRole(role))
            throw new IOException("there is no role " + Printable.of(role, 64));
        order.accept(role);
        return what + role;
    }

    private static String send(ImsgChannel client, List<Map<String, String>> entries) throws IOException {
        for (Map<String, String> entry : entries)
            client.send(Imsg.of(ControlProtocol.ENTRY, entry.entrySet().stream()
                    .map(each -> each.getKey() + " " + Printable.of(each.getValue(), LONGEST_VALUE))
                    .collect(Collectors.joining("\n"))), PATIENCE);
        return "";
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
