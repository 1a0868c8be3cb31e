package org.imsg.privsep.ops;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** The words of a policy's line: first its options, then the rest in order. */
final class Words {
    private final List<String> words;
    private int next;

    private Words(List<String> words) {
        this.words = words;
    }

    /** @throws IllegalArgumentException if a quote is not closed */
    static Words of(String line) {
        List<String> words = new ArrayList<>();
        StringBuilder word = null;
        boolean quoted = false;
        for (int i = 0; i < line.length(); i++) {
            char c = line.charAt(i);
            if (quoted && c == '\\' && i + 1 < line.length()) {
                word.append(line.charAt(++i));
            } else if (c == '"') {
                quoted = !quoted;
                word = word == null ? new StringBuilder() : word;
            } else if (quoted || !Character.isWhitespace(c) && c != '#') {
                word = (word == null ? new StringBuilder() : word).append(c);
            } else {
                if (word != null)
                    words.add(word.toString());
                word = null;
                if (c == '#')
                    break;
            }
        }
        if (quoted)
            throw new IllegalArgumentException("expected a \" at the end of a word that begins with one");
        if (word != null)
            words.add(word.toString());
        return new Words(words);
    }

    static String quoted(String word) {
        boolean plain = !word.isEmpty()
                && word.chars().noneMatch(c -> Character.isWhitespace(c) || c == '"' || c == '#' || c == '\\');
        return plain ? word : '"' + word.replace("\\", "\\\\").replace("\"", "\\\"") + '"';
    }

    boolean hasNext() {
        return next < words.size();
    }

    String next(String expected) {
        if (!hasNext())
            throw new IllegalArgumentException("expected " + expected + ", not the end of the line");
        return words.get(next++);
    }

    List<String> rest() {
        List<String> rest = words.subList(next, words.size());
        next = words.size();
        return rest;
    }

    void end() {
        if (hasNext())
            throw new IllegalArgumentException("expected the end of the line, not " + words.get(next));
    }

    /** The options that stand here, by name; a flag's value is empty. Words that begin with a / end them. */
    Map<String, String> options(String... known) {
        List<String> names = List.of(known);
        Map<String, String> options = new HashMap<>();
        for (; hasNext(); next++) {
            String word = words.get(next);
            int equals = word.indexOf('=');
            String name = equals < 0 ? word : word.substring(0, equals + 1);
            if (!names.contains(name)) {
                if (equals > 0 && word.substring(0, equals).matches("[a-z]+"))
                    throw new IllegalArgumentException("expected " + String.join(", ", known) + " or what follows, not "
                            + word);
                return options;
            }
            if (options.put(name, word.substring(equals < 0 ? word.length() : equals + 1)) != null)
                throw new IllegalArgumentException("expected " + name + " once");
        }
        return options;
    }
}
