package org.imsg.harness.scripted;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.imsg.harness.describe.ProtocolDescription;
import org.imsg.harness.record.Conversation;
import org.imsg.harness.record.Direction;
import org.imsg.harness.record.Event;
import org.imsg.unix.Fd;
import org.imsg.unix.OpenFlag;
import org.jspecify.annotations.Nullable;

/**
 * A daemon's answers as text, a rule for each type. Immutable. An example:
 *
 * <pre>
 * on SHOW_STATUS
 *     send SHOW_STATUS struct=ctl_show_status synced=1 stratum=2
 * on 35
 *     send 1 fd=/etc/hosts
 * on 7
 *     delay 200
 *     send 8 data=late cut=3,9
 *     end
 * on *
 *     echo
 * </pre>
 *
 * {@code on TYPE} begins a rule, {@code on *} is for all other types. Its lines are done in order: {@code send TYPE} with
 * {@code id=} (the request's unless given), {@code pid=}, {@code data=} text, {@code hex=}, or {@code struct=NAME} and its fields,
 * {@code fd=} a file to be opened and passed, {@code cut=} where to split the writes; {@code echo}; {@code delay} milliseconds;
 * {@code misbehave KIND}; {@code end} of the sending direction; {@code close}.
 */
public final class Responder {
    private final Map<Integer, List<Action>> rules = new LinkedHashMap<>();
    private final ProtocolDescription protocol;
    private List<Action> others = List.of();

    /** Something a rule does; false closes the connection. */
    @FunctionalInterface
    private interface Action {
        boolean perform(Conversation client, Event request) throws IOException, InterruptedException;
    }

    private Responder(ProtocolDescription protocol) {
        this.protocol = protocol;
    }

    /** Sends every message back. */
    public static final Responder ECHO = parse("on *\necho", ProtocolDescription.NONE);
    /** Says nothing. */
    public static final Responder SILENT = parse("", ProtocolDescription.NONE);

    /**
     * Reads rules.
     *
     * @param text the rules, a line each; text behind # is ignored
     * @param protocol names of types, and structs
     * @return the responder
     * @throws IllegalArgumentException if a line is wrong; the message has its number
     */
    public static Responder parse(String text, ProtocolDescription protocol) {
        Responder responder = new Responder(protocol);
        @Nullable
        List<Action> rule = null;
        List<String> lines = text.lines().toList();
        for (int i = 0; i < lines.size(); i++) {
            String[] words = lines.get(i).replaceFirst("#.*", "").strip().split("\\s+");
            try {
                if (words[0].equals("on"))
                    rule = responder.begin(words);
                else if (!words[0].isEmpty() && rule == null)
                    throw new IllegalArgumentException("a rule begins with on TYPE, not with " + words[0]);
                else if (!words[0].isEmpty())
                    rule.add(responder.action(words));
            } catch (IllegalArgumentException e) {
                throw new IllegalArgumentException("line " + (i + 1) + " of the script: " + e.getMessage(), e);
            }
        }
        return responder;
    }

    private List<Action> begin(String[] words) {
        if (words.length != 2)
            throw new IllegalArgumentException("expected on TYPE");
        List<Action> rule = new ArrayList<>();
        if (words[1].equals("*"))
            others = rule;
        else
            rules.put(protocol.type(words[1]), rule);
        return rule;
    }

    private Action action(String[] words) {
        String argument = words.length > 1 ? words[1] : "";
        return switch (words[0]) {
            case "echo" -> (client, request) -> {
                client.send(request.type(), request.id(), request.pid(), request.payload());
                return true;
            };
            case "delay" -> {
                Duration time = Duration.ofMillis(Long.parseLong(argument));
                yield (_, _) -> {
                    Thread.sleep(time);
                    return true;
                };
            }
            case "misbehave" -> {
                Misbehaviour kind = Misbehaviour.of(argument);
                yield (client, request) -> {
                    kind.over(client, request.type());
                    return true;
                };
            }
            case "end" -> (client, _) -> {
                client.end();
                return true;
            };
            case "close" -> (_, _) -> false;
            case "send" -> send(protocol.type(argument), words);
            default -> throw new IllegalArgumentException(
                    "send, echo, delay, misbehave, end or close, not " + words[0]);
        };
    }

    private Action send(int type, String[] words) {
        Map<String, String> options = new LinkedHashMap<>();
        for (String word : Arrays.copyOfRange(words, 2, words.length)) {
            int equals = word.indexOf('=');
            if (equals < 1)
                throw new IllegalArgumentException("an option is NAME=VALUE, not " + word);
            options.put(word.substring(0, equals), word.substring(equals + 1));
        }
        String id = options.remove("id");
        String pid = options.remove("pid");
        String file = options.remove("fd");
        String cut = options.remove("cut");
        int[] cuts = cut == null ? new int[0] : Arrays.stream(cut.split(",")).mapToInt(Integer::parseInt).toArray();
        byte[] payload = payload(options);
        return (client, request) -> {
            int own = (int) ProcessHandle.current().pid();
            int toId = id == null ? request.id() : Integer.parseUnsignedInt(id);
            int fromPid = pid == null ? own : Integer.parseUnsignedInt(pid);
            try (Fd fd = file == null ? null : Fd.open(Path.of(file), OpenFlag.READ)) {
                Event message = Event.message(Direction.TO_CLIENT, client.format(), type, toId, fromPid, payload,
                        fd == null ? List.of() : List.of(file));
                write(client, message, cuts, fd == null ? List.of() : List.of(fd));
            }
            return true;
        };
    }

    private static void write(Conversation client, Event message, int[] cuts, List<Fd> descriptors) throws IOException {
        if (cuts.length == 0) {
            client.send(message, descriptors);
            return;
        }
        int from = 0;
        for (int i = 0; i <= cuts.length; i++) {
            int to = i < cuts.length ? Math.min(cuts[i], message.bytes().length) : message.bytes().length;
            if (to > from)
                client.sendBytes(Arrays.copyOfRange(message.bytes(), from, to),
                        from == 0 ? descriptors.toArray(Fd[]::new) : new Fd[0]);
            from = Math.max(from, to);
        }
    }

    private byte[] payload(Map<String, String> options) {
        String struct = options.remove("struct");
        if (struct != null)
            return protocol.struct(struct).encode(options);
        String data = options.remove("data");
        String hex = options.remove("hex");
        if (!options.isEmpty())
            throw new IllegalArgumentException("there is no option " + options.keySet().iterator().next());
        if (data != null)
            return data.getBytes(StandardCharsets.UTF_8);
        return hex == null ? new byte[0] : HexFormat.of().parseHex(hex);
    }

    /**
     * Answers a client until it leaves, or a rule closes the connection.
     *
     * @param client the connection; not closed here
     * @param patience how long the client may be silent
     * @throws IOException if nothing comes in time, or an answer cannot be sent
     * @throws InterruptedException if the thread is interrupted
     */
    public void serve(Conversation client, Duration patience) throws IOException, InterruptedException {
        for (;;) {
            try (Conversation.Received request = client.receive(patience)) {
                if (!request.event().isMessage())
                    return;
                for (Action action : rules.getOrDefault(request.event().type(), others))
                    if (!action.perform(client, request.event()))
                        return;
            }
        }
    }
}
