package org.imsg.harness.scripted;

import java.io.IOException;
import java.io.OutputStream;
import java.net.SocketTimeoutException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.imsg.harness.describe.ProtocolDescription;
import org.imsg.harness.describe.Words;
import org.imsg.harness.record.Conversation;
import org.imsg.harness.record.Direction;
import org.imsg.harness.record.Event;
import org.imsg.harness.record.UnwritableFileException;
import org.imsg.unix.ErrnoException;
import org.imsg.unix.Fd;
import org.imsg.unix.FdChannel;
import org.jspecify.annotations.Nullable;

/** Steps and rules as text; the grammar is in script.txt, which {@code imsg help script} shows. Immutable. */
final class Script {
    /** Of what takes no options: the step itself and its argument. */
    private static final Map<String, Integer> MOST_WORDS = Map.of("let", 2, "save", 2, "delay", 2, "misbehave", 2,
            "echo", 1, "serve", 1, "end", 1, "close", 1);
    private static final Duration LONGEST = Duration.ofDays(365);
    /** A peer may send all there are; further ones are each the first of their type. */
    private static final int MOST_TYPES = 1 << 16;
    /** A descriptor may give bytes without end. */
    private static final long MOST_SAVED = 1L << 30;
    private static final Pattern VARIABLE = Pattern.compile("\\$\\{(\\w+)}|^\\$(\\w+)$");

    private final ProtocolDescription protocol;
    private final Direction sending;
    private final List<Step> steps = new ArrayList<>();
    private final List<Rule> rules = new ArrayList<>();

    /** Something that is done; false closes the connection. */
    @FunctionalInterface
    private interface Action {
        boolean perform(Run run) throws IOException, InterruptedException;
    }

    private static final Action CLOSE = _ -> false;

    private record Step(int line, Action action) {}

    /** For messages of a type, of any with null, or for the beginning of a connection. */
    private record Rule(boolean connect, @Nullable Integer type, MessageWords words, int first, int last,
            List<Step> steps) {
        boolean fits(Event message, Run run) {
            if (connect || type != null && type != message.type() || !words.broken(message, run::replaced).isEmpty())
                return false;
            int count = run.counts.getOrDefault(message.type(), 1);
            return count >= first && count <= last;
        }
    }

    /** Throws an IllegalArgumentException that names the line which is wrong. */
    Script(String text, ProtocolDescription protocol, Direction sending, boolean stepsAllowed) {
        this.protocol = protocol;
        this.sending = sending;
        @Nullable
        List<Step> rule = null;
        List<String> lines = text.lines().toList();
        for (int i = 0; i < lines.size(); i++)
            try {
                List<String> words = Words.of(lines.get(i));
                if (words.isEmpty())
                    continue;
                boolean indented = Character.isWhitespace(lines.get(i).charAt(0));
                if (words.getFirst().equals("on")) {
                    rule = begin(words);
                } else if (rule != null && (indented || !stepsAllowed)) {
                    add(rule, new Step(i + 1, action(words, true)));
                } else if (stepsAllowed) {
                    rule = null;
                    add(steps, new Step(i + 1, action(words, false)));
                } else {
                    throw new IllegalArgumentException("a rule begins with on TYPE, not with " + words.getFirst());
                }
            } catch (IllegalArgumentException e) {
                throw new IllegalArgumentException("line " + (i + 1) + " of the script: " + e.getMessage(), e);
            }
    }

    boolean hasSteps() {
        return !steps.isEmpty();
    }

    private static void add(List<Step> steps, Step step) {
        if (!steps.isEmpty() && steps.getLast().action() == CLOSE)
            throw new IllegalArgumentException("nothing is done behind close");
        steps.add(step);
    }

    private List<Step> begin(List<String> words) {
        if (words.size() < 2)
            throw new IllegalArgumentException("expected on TYPE, on * or on connect");
        String what = words.get(1);
        boolean connect = what.equals("connect");
        Integer type = connect || what.equals("*") ? null : Integer.valueOf(protocol.type(what));
        if (connect && words.size() > 2)
            throw new IllegalArgumentException("on connect has no conditions: no message has come");
        MessageWords conditions = new MessageWords(words.subList(2, words.size()), "count", type, sending.opposite(),
                protocol);
        String count = conditions.option("count", "1-");
        if (!count.matches("[1-9]\\d{0,8}-?"))
            throw new IllegalArgumentException("count= is a number, or a number with - behind it for all from that on,"
                    + " not " + count);
        int first = Integer.parseInt(count.replace("-", ""));
        List<Step> own = new ArrayList<>();
        rules.add(new Rule(connect, type, conditions, first, count.endsWith("-") ? Integer.MAX_VALUE : first, own));
        return own;
    }

    private Action action(List<String> words, boolean inRule) {
        String argument = words.size() > 1 ? words.get(1) : "";
        int most = MOST_WORDS.getOrDefault(words.getFirst(), Integer.MAX_VALUE);
        if (words.size() > most)
            throw new IllegalArgumentException(words.getFirst() + " has no place for " + words.get(most)
                    + (most == 1 ? "" : "; a text with blanks is put in double quotes"));
        return switch (words.getFirst()) {
            case "send" ->
                send(protocol.type(argument), words.subList(Math.min(2, words.size()), words.size()), inRule);
            case "expect" -> expect(argument, words.subList(Math.min(2, words.size()), words.size()));
            case "let" -> {
                Map.Entry<String, String> variable = Words.option(argument);
                String part = MessageWords.checkedPart(variable.getValue(), protocol);
                if (!variable.getKey().matches("[A-Za-z_]\\w*"))
                    throw new IllegalArgumentException("a variable's name has letters, digits and _, not "
                            + variable.getKey());
                yield run -> {
                    run.variables.put(variable.getKey(), MessageWords.part(run.last().event(), part, protocol));
                    return true;
                };
            }
            case "save" -> {
                needed(argument, "save FILE");
                yield run -> run.save(Path.of(Words.text(run.replaced(argument))));
            }
            case "echo" -> run -> {
                Event request = run.last().event();
                run.peer.send(request.type(), request.id(), request.pid(), request.payload());
                return true;
            };
            case "delay" -> {
                Duration time = time(argument);
                yield _ -> {
                    Thread.sleep(time);
                    return true;
                };
            }
            case "misbehave" -> {
                Misbehaviour kind = Misbehaviour.of(argument);
                yield run -> {
                    kind.over(run.peer, run.last == null ? 0 : run.last.event().type());
                    return true;
                };
            }
            case "serve" -> run -> {
                run.serve();
                return true;
            };
            case "end" -> run -> {
                run.peer.end();
                return true;
            };
            case "close" -> CLOSE;
            default -> throw new IllegalArgumentException("send, expect, let, save, echo, delay, misbehave, serve, end"
                    + " or close, not " + words.getFirst() + (inRule ? "" : " (see imsg help script)"));
        };
    }

    private static String needed(String argument, String expected) {
        if (argument.isEmpty())
            throw new IllegalArgumentException("expected " + expected);
        return argument;
    }

    /** A time: milliseconds, or with ms, s or m behind it; at most a year. */
    private static Duration time(String text) {
        Matcher words = Pattern.compile("(\\d{1,12})(ms|s|m|)").matcher(text);
        if (!words.matches())
            throw new IllegalArgumentException("a time is such as 250ms, 5s or 2m, not " + text);
        long number = Long.parseLong(words.group(1));
        Duration time = switch (words.group(2)) {
            case "s" -> Duration.ofSeconds(number);
            case "m" -> Duration.ofMinutes(number);
            default -> Duration.ofMillis(number);
        };
        if (time.compareTo(LONGEST) > 0)
            throw new IllegalArgumentException("a time is at most a year, not " + text);
        return time;
    }

    private Action send(int type, List<String> words, boolean inRule) {
        MessageWords message = new MessageWords(words, "", type, sending, protocol);
        int[] cuts = message.cuts();
        return run -> {
            int ownId = inRule && run.last != null ? run.last.event().id() : 0;
            int id = message.number("id", ownId, run::replaced);
            int pid = message.number("pid", (int) ProcessHandle.current().pid(), run::replaced);
            byte[] payload = message.payload(run::replaced);
            List<String> files = message.files(run::replaced);
            List<Fd> descriptors = MessageWords.open(files);
            try {
                write(run.peer, Event.message(sending, run.peer.format(), type, id, pid, payload, files), cuts,
                        descriptors);
            } finally {
                descriptors.forEach(Fd::close);
            }
            return true;
        };
    }

    private static void write(Conversation peer, Event message, int[] cuts, List<Fd> descriptors) throws IOException {
        if (cuts.length == 0) {
            peer.send(message, descriptors);
            return;
        }
        int from = 0;
        for (int i = 0; i <= cuts.length; i++) {
            int to = i < cuts.length ? Math.min(cuts[i], message.bytes().length) : message.bytes().length;
            if (to > from)
                peer.sendBytes(Arrays.copyOfRange(message.bytes(), from, to),
                        from == 0 ? descriptors.toArray(Fd[]::new) : new Fd[0]);
            from = Math.max(from, to);
        }
    }

    private Action expect(String what, List<String> words) {
        boolean end = needed(what, "expect TYPE, expect * or expect end").equals("end");
        Integer type = end || what.equals("*") ? null : Integer.valueOf(protocol.type(what));
        MessageWords message = new MessageWords(words, "within", type, sending.opposite(), protocol);
        if (end && words.stream().anyMatch(word -> !word.startsWith("within=")))
            throw new IllegalArgumentException("expect end has no condition but within=TIME: no message comes");
        String within = message.option("within", "");
        @Nullable
        Duration time = within.isEmpty() ? null : time(within);
        return run -> {
            Duration patience = time == null ? run.patience : time;
            List<String> broken = run.await(event -> end
                    ? event.kind() == Event.Kind.END
                    : event.isMessage() && (type == null || type == event.type())
                            && message.broken(event, run::replaced).isEmpty(),
                    patience);
            if (broken.isEmpty())
                return true;
            List<String> reasons = new ArrayList<>(broken);
            Event came = run.last == null || broken.getFirst().startsWith("nothing") ? null : run.last.event();
            if (!end && came != null && came.isMessage() && (type == null || type == came.type()))
                reasons.addAll(message.broken(came, run::replaced));
            throw new ScriptFailedException("expected " + what + String.join("", words.stream().map(word -> " " + word)
                    .toList()) + ": " + String.join(", ", reasons));
        };
    }

    /** Answers by the rules until the peer leaves. */
    void serve(Conversation peer, Duration patience) throws IOException, InterruptedException {
        try (Run run = new Run(peer, patience)) {
            if (run.begin())
                run.serve();
        } catch (Closed _) {
            // a rule did it
        }
    }

    /** Does the steps, one after the other; without any, answers by the rules. */
    void talk(Conversation peer, Duration patience) throws IOException, InterruptedException {
        try (Run run = new Run(peer, patience)) {
            if (!run.begin())
                return;
            if (steps.isEmpty())
                run.serve();
            else
                run.perform(steps);
        } catch (Closed _) {
            // a rule did it
        }
    }

    /** A rule closes the connection. */
    private static final class Closed extends IOException {
        private static final long serialVersionUID = 1;
    }

    /** The state of a script that runs. */
    private final class Run implements AutoCloseable {
        private final Conversation peer;
        private final Duration patience;
        private final Map<String, String> variables = new HashMap<>();
        private final Map<Integer, Integer> counts = new HashMap<>();
        private Conversation.@Nullable Received last;
        /** While a rule is followed, no other is: its own steps take the messages. */
        private boolean following;

        /** Decides whether an event is the one that is waited for. */
        @FunctionalInterface
        private interface Wanted {
            boolean is(Event event);
        }

        Run(Conversation peer, Duration patience) {
            this.peer = peer;
            this.patience = patience;
            peer.patience(patience);
        }

        boolean begin() throws IOException, InterruptedException {
            following = true;
            for (Rule rule : rules)
                if (rule.connect && !perform(rule.steps))
                    return false;
            following = false;
            return true;
        }

        private boolean perform(List<Step> todo) throws IOException, InterruptedException {
            for (Step step : todo)
                try {
                    if (!step.action.perform(this))
                        return false;
                } catch (ScriptFailedException e) {
                    throw e.getMessage().startsWith("line ")
                            ? e
                            : new ScriptFailedException("line " + step.line + ": " + e.getMessage());
                } catch (IllegalArgumentException | SocketTimeoutException e) {
                    throw new ScriptFailedException("line " + step.line + ": " + e.getMessage());
                }
            return true;
        }

        /** Answers by the rules until the peer leaves; what no rule is for is left alone. */
        private void serve() throws IOException, InterruptedException {
            try {
                for (Event event; (event = next(patience)).isMessage();)
                    follow(rule(event));
            } catch (SocketTimeoutException _) {
                throw new ScriptFailedException(
                        "nothing came within " + patience.toMillis() + " ms, and the peer has not left");
            }
        }

        /** Answers by the rules until the wanted event comes. Returns what came instead; empty if it came. */
        private List<String> await(Wanted wanted, Duration time) throws IOException, InterruptedException {
            long deadline = System.nanoTime() + time.toNanos();
            try {
                for (;;) {
                    long left = deadline - System.nanoTime();
                    Event event = next(Duration.ofNanos(Math.max(0, left)));
                    if (left < 0 && !wanted.is(event))
                        throw new SocketTimeoutException();
                    if (wanted.is(event))
                        return List.of();
                    Rule rule = event.isMessage() && !following ? rule(event) : null;
                    if (rule == null)
                        return List.of(came(event));
                    follow(rule);
                }
            } catch (SocketTimeoutException _) {
                return List.of("nothing such came within " + time.toMillis() + " ms");
            }
        }

        private static String came(Event event) {
            return switch (event.kind()) {
                case MESSAGE -> "type " + Integer.toUnsignedString(event.type()) + " with " + event.payload().length
                        + " bytes came";
                case END -> "the connection was closed";
                case BYTES, NOTE -> "something came that is no message: " + event.note();
            };
        }

        private void follow(@Nullable Rule rule) throws IOException, InterruptedException {
            if (rule == null)
                return;
            following = true;
            try {
                if (!perform(rule.steps))
                    throw new Closed();
            } finally {
                following = false;
            }
        }

        private @Nullable Rule rule(Event message) {
            Rule other = null;
            for (Rule rule : rules)
                if (rule.fits(message, this)) {
                    if (rule.type != null)
                        return rule;
                    other = other == null ? rule : other;
                }
            return other;
        }

        private Event next(Duration time) throws IOException {
            Conversation.Received received = peer.receive(time);
            close();
            last = received;
            if (received.event().isMessage()
                    && (counts.size() < MOST_TYPES || counts.containsKey(received.event().type())))
                counts.merge(received.event().type(), 1, Integer::sum);
            return received.event();
        }

        Conversation.Received last() throws IOException {
            if (last == null || !last.event().isMessage())
                throw new ScriptFailedException("no message has come yet");
            return last;
        }

        private boolean save(Path file) throws IOException {
            if (last().descriptors().isEmpty())
                throw new ScriptFailedException("save " + file + ": the message has no descriptor");
            ByteBuffer bytes = ByteBuffer.allocate(1 << 16);
            try (FdChannel in = new FdChannel(last().descriptors().getFirst()).timeout(patience)) {
                try (OutputStream out = Files.newOutputStream(file)) {
                    for (long size = 0; in.read(bytes) >= 0; bytes.clear()) {
                        size += bytes.position();
                        if (size > MOST_SAVED)
                            throw new ScriptFailedException(
                                    "save " + file + ": the descriptor gives more than " + MOST_SAVED + " bytes");
                        out.write(bytes.array(), 0, bytes.position());
                    }
                } catch (ErrnoException | ScriptFailedException e) { // the descriptor cannot be read
                    throw e;
                } catch (SocketTimeoutException _) {
                    throw new ScriptFailedException("save " + file + ": the descriptor gave nothing for "
                            + patience.toMillis() + " ms, and has not ended");
                } catch (IOException e) {
                    throw new UnwritableFileException("file", file, e);
                }
            }
            return true;
        }

        /** A word with the values of its variables: {@code $name} is the whole word, <code>${name}</code> a part of it. */
        private String replaced(String word) {
            return VARIABLE.matcher(word).replaceAll(found -> {
                String variable = found.group(1) == null ? found.group(2) : found.group(1);
                String value = variables.get(variable);
                if (value == null)
                    throw new IllegalArgumentException("there is no variable " + variable + ": let sets one");
                String quoted = Words.quoted(value.getBytes(java.nio.charset.StandardCharsets.UTF_8));
                boolean inside = word.startsWith("\"");
                return Matcher.quoteReplacement(found.group(1) == null
                        ? quoted
                        : inside ? quoted.substring(1, quoted.length() - 1) : value);
            });
        }

        @Override
        public void close() {
            if (last != null)
                last.close();
        }
    }
}
