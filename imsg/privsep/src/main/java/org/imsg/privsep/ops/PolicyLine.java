package org.imsg.privsep.ops;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.imsg.unix.ErrnoException;

/**
 * The words of a policy's line: options first, then the rest in order. Every method throws IllegalArgumentException for a word
 * that it does not expect; the message says which one it does.
 */
final class PolicyLine {
    private static final String ANY = "*";
    private static final String REST = "...";

    private final List<Word> words;
    private final Map<String, String> options = new HashMap<>();
    private int next;

    /**
     * A word.
     *
     * @param plain whether no part of it stands in quotes, which take away the meaning of a * or ...
     */
    record Word(String text, boolean plain) {
        /** Whether it stands for any other. */
        boolean isAny() {
            return plain && text.equals(ANY);
        }

        /** Whether it stands for any number of others. */
        boolean isRest() {
            return plain && text.equals(REST);
        }
    }

    private PolicyLine(List<Word> words) {
        this.words = words;
    }

    static PolicyLine of(String line) {
        List<Word> words = new ArrayList<>();
        StringBuilder word = null;
        boolean quoted = false;
        boolean plain = true;
        for (int i = 0; i < line.length(); i++) {
            char c = line.charAt(i);
            if (quoted && c == '\\' && i + 1 < line.length()) {
                word.append(line.charAt(++i));
            } else if (c == '"') {
                quoted = !quoted;
                plain = false;
                word = word == null ? new StringBuilder() : word;
            } else if (quoted || !Character.isWhitespace(c) && c != '#') {
                word = (word == null ? new StringBuilder() : word).append(c);
            } else {
                if (word != null)
                    words.add(new Word(word.toString(), plain));
                word = null;
                plain = true;
                if (c == '#')
                    break;
            }
        }
        if (quoted)
            throw new IllegalArgumentException("expected a \" at the end of a word that begins with one");
        if (word != null)
            words.add(new Word(word.toString(), plain));
        return new PolicyLine(words);
    }

    static String quoted(String word) {
        boolean plain = !word.isEmpty() && !word.equals(ANY) && !word.equals(REST)
                && word.chars().noneMatch(c -> Character.isWhitespace(c) || c == '"' || c == '#' || c == '\\');
        return plain ? word : '"' + word.replace("\\", "\\\\").replace("\"", "\\\"") + '"';
    }

    boolean hasNext() {
        return next < words.size();
    }

    String next(String expected) {
        if (!hasNext())
            throw new IllegalArgumentException("expected " + expected + ", not the end of the line");
        return words.get(next++).text;
    }

    List<Word> rest() {
        List<Word> rest = words.subList(next, words.size());
        next = words.size();
        return rest;
    }

    void end() {
        if (hasNext())
            throw new IllegalArgumentException("expected the end of the line, not " + words.get(next).text);
    }

    /** Reads the options that stand here. The first word that is none ends them; a flag has an empty value. */
    void options(String... known) {
        List<String> names = List.of(known);
        for (; hasNext(); next++) {
            String word = words.get(next).text;
            int equals = word.indexOf('=');
            String name = equals < 0 ? word : word.substring(0, equals + 1);
            if (!names.contains(name)) {
                if (equals > 0 && word.substring(0, equals).matches("[a-z]+"))
                    throw new IllegalArgumentException("expected " + String.join(", ", known) + " or what follows, not "
                            + word);
                return;
            }
            if (options.put(name, word.substring(equals < 0 ? word.length() : equals + 1)) != null)
                throw new IllegalArgumentException("expected " + name + " once");
        }
    }

    boolean has(String option) {
        return options.containsKey(option);
    }

    Optional<String> option(String name) {
        return Optional.ofNullable(options.get(name));
    }

    Optional<IdRange> users(String option) {
        return option(option).map(PolicyLine::readUsers);
    }

    Optional<IdRange> groups(String option) {
        return option(option).map(PolicyLine::readGroups);
    }

    Optional<Duration> seconds(String option) {
        return option(option).map(text -> {
            if (!text.matches("[0-9]{1,9}"))
                throw new IllegalArgumentException("expected a number of seconds, not " + text);
            return Duration.ofSeconds(Long.parseLong(text));
        });
    }

    int mode(String option, int usual) {
        String mode = option(option).orElse(Integer.toOctalString(usual));
        if (!mode.matches("0?[0-7]{3}"))
            throw new IllegalArgumentException("expected permission bits such as 0660 for mode, not " + mode);
        return Integer.parseInt(mode, 8);
    }

    /** Reads a path; mounts beneath it belong to it where an option {@code mounts} stood before. */
    PolicyPath path() {
        return path(next("a path"));
    }

    PolicyPath path(String path) {
        return PolicyPath.parse(path, has("mounts"));
    }

    /** Reads an absolute path that is one file. */
    Path file(String expected) {
        return PolicyPath.single(next(expected));
    }

    SocketKind socketKind() {
        String word = next("tcp, udp, unix or unix-datagram");
        return Stream.of(SocketKind.values()).filter(kind -> kind.word().equals(word)).findAny().orElseThrow(
                () -> new IllegalArgumentException("expected tcp, udp, unix or unix-datagram, not " + word));
    }

    static <E extends Enum<E>> Set<E> set(Class<E> type, List<String> words) {
        Set<E> set = EnumSet.noneOf(type);
        List<String> known = Stream.of(type.getEnumConstants()).map(each -> each.name().toLowerCase(Locale.ROOT))
                .toList();
        for (String word : words) {
            if (!known.contains(word))
                throw new IllegalArgumentException(expected(known) + ", not " + word);
            set.add(Enum.valueOf(type, word.toUpperCase(Locale.ROOT)));
        }
        if (set.isEmpty())
            throw new IllegalArgumentException(expected(known));
        return set;
    }

    private static String expected(List<String> known) {
        return known.subList(0, known.size() - 1).stream().collect(Collectors.joining(", ", "expected ", " or "))
                + known.getLast();
    }

    static IdRange readUsers(String text) {
        return IdRange.parse(text, name -> id("user", name,
                () -> AccountDatabase.user(name).map(user -> user.uid())));
    }

    static IdRange readGroups(String text) {
        return IdRange.parse(text, name -> id("group", name,
                () -> AccountDatabase.group(name).map(group -> group.gid())));
    }

    private interface Account {
        Optional<Long> id() throws ErrnoException;
    }

    private static long id(String what, String name, Account account) {
        try {
            return account.id().orElseThrow(
                    () -> new IllegalArgumentException("expected a " + what + ", and there is no " + name));
        } catch (ErrnoException e) {
            throw new IllegalArgumentException("the " + what + " " + name + " cannot be looked up: " + e.getMessage(),
                    e);
        }
    }
}
