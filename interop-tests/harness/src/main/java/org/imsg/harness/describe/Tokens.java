package org.imsg.harness.describe;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** The tokens of a description, without comments, and what its lines {@code #define}. */
final class Tokens {
    private static final Pattern DIRECTIVE = Pattern.compile(
            "#(define|undef|ifdef|ifndef|if|else|elif|endif|include|pragma|error|warning)\\b\\s*(.*)");
    private static final Pattern DEFINE = Pattern.compile("(\\w+)(\\(.*)?\\s*(.*)");
    private static final Pattern TOKEN = Pattern.compile("\\w+|<<|>>|'.'|\\S");
    private static final Token END = new Token("", 0, true);

    private final List<Token> tokens = new ArrayList<>();
    private final Map<String, String> defines = new LinkedHashMap<>();
    /** For each open {@code #if}, whether its lines count, and whether those of a branch before did. */
    private final Deque<boolean[]> conditions = new ArrayDeque<>();
    private int depth;
    private boolean packed;
    private int next;

    /** A word or sign; a line of the description's own, such as {@code message}, is one token. */
    record Token(String text, int line, boolean first) {
        boolean is(String other) {
            return text.equals(other);
        }

        boolean isWord() {
            return !text.isEmpty() && (Character.isLetter(text.charAt(0)) || text.charAt(0) == '_');
        }
    }

    Tokens(String text) {
        String[] lines = withoutComments(text).split("\n", -1);
        for (int i = 0; i < lines.length; i++) {
            int number = i + 1;
            String line = lines[i].strip();
            while (line.startsWith("#") && line.endsWith("\\") && i + 1 < lines.length)
                line = line.substring(0, line.length() - 1) + " " + lines[++i].strip();
            try {
                line(line, number);
            } catch (IllegalArgumentException | ArithmeticException e) {
                throw new IllegalArgumentException("line " + number + ": " + e.getMessage(), e);
            }
        }
        if (!conditions.isEmpty())
            throw new IllegalArgumentException("an #if or #ifdef has no #endif");
    }

    private void line(String line, int number) {
        Matcher directive = DIRECTIVE.matcher(line);
        if (directive.matches())
            directive(directive.group(1), directive.group(2));
        else if (conditions.stream().allMatch(open -> open[0]))
            split(line, number);
    }

    private void directive(String word, String rest) {
        switch (word) {
            case "ifdef" -> begin(defines.containsKey(rest.strip()));
            case "ifndef" -> begin(!defines.containsKey(rest.strip()));
            case "if" -> begin(condition(rest));
            case "else", "elif" -> {
                if (conditions.isEmpty())
                    throw new IllegalArgumentException("#" + word + " without #if");
                boolean[] open = conditions.peek();
                open[0] = !open[1] && (word.equals("else") || condition(rest));
                open[1] |= open[0];
            }
            case "endif" -> {
                if (conditions.poll() == null)
                    throw new IllegalArgumentException("#endif without #if");
            }
            default -> {
                if (conditions.stream().allMatch(open -> open[0]))
                    take(word, rest);
            }
        }
    }

    private void take(String word, String rest) {
        switch (word) {
            case "define" -> define(rest);
            case "undef" -> defines.remove(rest.strip());
            case "pragma" -> pack(rest.replaceAll("\\s", ""));
            default -> {
                // an include or a message of the header: nothing of it is in the structs
            }
        }
    }

    private void define(String rest) {
        Matcher words = DEFINE.matcher(rest);
        if (words.matches() && words.group(2) == null)
            defines.put(words.group(1), words.group(3).strip());
    }

    private void pack(String pragma) {
        switch (pragma) {
            case "pack(1)", "pack(push,1)" -> packed = true;
            case "pack()", "pack(pop)" -> packed = false;
            default -> {
                if (pragma.startsWith("pack"))
                    throw new IllegalArgumentException("#pragma " + pragma
                            + " is not known: there are pack(1), pack(push,1), pack(pop), and \"at OFFSET\" behind a field");
            }
        }
    }

    private void begin(boolean counts) {
        conditions.push(new boolean[]{counts, counts});
    }

    private boolean condition(String text) {
        String plain = text.replaceAll("\\s", "");
        Matcher defined = Pattern.compile("(!?)defined\\(?(\\w+)\\)?").matcher(plain);
        if (defined.matches())
            return defined.group(1).isEmpty() == defines.containsKey(defined.group(2));
        if (plain.matches("\\d+"))
            return !plain.matches("0+");
        throw new IllegalArgumentException("#if " + text
                + " cannot be decided here: keep the lines that the daemon is compiled with, and remove the condition");
    }

    private void split(String line, int number) {
        if (depth == 0 && line.matches("(message|protocol)\\s.*")) {
            tokens.add(new Token(line, number, true));
            return;
        }
        boolean first = true;
        for (Matcher found = TOKEN.matcher(line); found.find(); first = false) {
            String text = found.group();
            if (packed && text.equals("struct"))
                tokens.add(new Token("__packed", number, false));
            tokens.add(new Token(text, number, first));
            depth += text.equals("{") ? 1 : text.equals("}") ? -1 : 0;
        }
    }

    /** Line feeds stay, so that lines keep their numbers. */
    private static String withoutComments(String text) {
        StringBuilder kept = new StringBuilder();
        boolean blank = true;
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (text.startsWith("/*", i)) {
                int end = text.indexOf("*/", i + 2);
                if (end < 0)
                    throw new IllegalArgumentException(
                            "line " + (1 + text.substring(0, i).chars().filter(one -> one == '\n').count())
                                    + ": a comment is not closed");
                text.substring(i, end).chars().filter(one -> one == '\n').forEach(_ -> kept.append('\n'));
                kept.append(' ');
                i = end + 1;
            } else if (text.startsWith("//", i) || c == '#' && !(blank && isDirective(text, i))) {
                while (i + 1 < text.length() && text.charAt(i + 1) != '\n')
                    i++;
            } else {
                kept.append(c);
                blank = c == '\n' || blank && Character.isWhitespace(c);
            }
        }
        return kept.toString();
    }

    private static boolean isDirective(String text, int at) {
        return DIRECTIVE.matcher(text).region(at, text.length()).lookingAt();
    }

    /** What a name is defined as, or null. */
    @Nullable
    String defined(String name) {
        return defines.get(name);
    }

    static List<Token> of(String expression) {
        return TOKEN.matcher(expression).results().map(found -> new Token(found.group(), 0, false)).toList();
    }

    Token peek() {
        return next < tokens.size() ? tokens.get(next) : END;
    }

    Token peek(int ahead) {
        return next + ahead >= 0 && next + ahead < tokens.size() ? tokens.get(next + ahead) : END;
    }

    Token take() {
        Token token = peek();
        next++;
        return token;
    }

    boolean atEnd() {
        return next >= tokens.size();
    }

    /** Takes the next token if it is this one. */
    boolean takeIf(String text) {
        if (atEnd() || !peek().is(text))
            return false;
        next++;
        return true;
    }

    void expect(String text, String where) {
        if (!takeIf(text))
            throw new IllegalArgumentException("expected " + text + " " + where + ", not "
                    + (atEnd() ? "the end" : peek().text()));
    }

    /** The line of the last token that was taken. */
    int line() {
        return next == 0 || tokens.isEmpty() ? 1 : tokens.get(Math.min(next, tokens.size()) - 1).line();
    }
}
