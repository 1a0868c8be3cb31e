package org.imsg.harness.describe;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;

/**
 * The words of a line. Blanks part them, # begins a comment; between double quotes both are text. A value that begins with a double
 * quote is quoted as a whole: \n, \t, \r, \0, \", \\ and \xHH are escapes in it. A word keeps its quotes until
 * {@link #text(String)} or {@link #bytes(String)} is asked.
 */
public final class Words {
    /** Controls, what turns the direction of writing, lone surrogates, separators of lines. */
    private static final Pattern INVISIBLE = Pattern.compile("[\\p{Cc}\\p{Cf}\\p{Cs}\\p{Zl}\\p{Zp}]");

    private static final int MOST = 10_000;

    private Words() {}

    /**
     * Splits a line.
     *
     * @param line the line
     * @return its words, quotes and escapes as they are
     * @throws IllegalArgumentException if quotes are not closed
     */
    public static List<String> of(String line) {
        List<String> words = new ArrayList<>();
        StringBuilder word = new StringBuilder();
        boolean quoted = false;
        for (int i = 0; i < line.length(); i++) {
            char c = line.charAt(i);
            if (!quoted && c == '#')
                break;
            if (!quoted && Character.isWhitespace(c)) {
                end(words, word);
                continue;
            }
            word.append(c);
            if (quoted && c == '\\' && i + 1 < line.length())
                word.append(line.charAt(++i));
            else if (c == '"')
                quoted = !quoted;
        }
        if (quoted)
            throw new IllegalArgumentException("a double quote is not closed: " + word);
        end(words, word);
        return words;
    }

    private static void end(List<String> words, StringBuilder word) {
        if (!word.isEmpty())
            words.add(word.toString());
        if (words.size() > MOST)
            throw new IllegalArgumentException("a line has at most " + MOST + " words");
        word.setLength(0);
    }

    /**
     * What a word says.
     *
     * @param word the word
     * @return its text without quotes, its escapes replaced; bytes that are no UTF-8 are replaced by U+FFFD
     * @throws IllegalArgumentException if an escape is not known
     */
    public static String text(String word) {
        return new String(bytes(word), StandardCharsets.UTF_8);
    }

    /**
     * What a word says, in UTF-8.
     *
     * @param word the word
     * @return its bytes; \xHH is one byte
     * @throws IllegalArgumentException if an escape is not known, or quotes are not closed
     */
    public static byte[] bytes(String word) {
        if (!word.startsWith("\""))
            return word.getBytes(StandardCharsets.UTF_8);
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        StringBuilder plain = new StringBuilder();
        int i = 1;
        for (; i < word.length() && word.charAt(i) != '"'; i++) {
            if (word.charAt(i) != '\\') {
                plain.append(word.charAt(i));
                continue;
            }
            bytes.writeBytes(plain.toString().getBytes(StandardCharsets.UTF_8));
            plain.setLength(0);
            bytes.write(escaped(word, ++i));
            i += word.charAt(i) == 'x' ? 2 : 0;
        }
        if (i != word.length() - 1)
            throw new IllegalArgumentException("a quoted value ends with its double quote, inside it is \\\": " + word);
        bytes.writeBytes(plain.toString().getBytes(StandardCharsets.UTF_8));
        return bytes.toByteArray();
    }

    private static int escaped(String word, int at) {
        char c = at < word.length() ? word.charAt(at) : ' ';
        return switch (c) {
            case 'n' -> '\n';
            case 't' -> '\t';
            case 'r' -> '\r';
            case '0' -> 0;
            case '"', '\\' -> c;
            default -> {
                if (c != 'x' || at + 2 >= word.length() || !HexFormat.isHexDigit(word.charAt(at + 1))
                        || !HexFormat.isHexDigit(word.charAt(at + 2)))
                    throw new IllegalArgumentException(
                            "an escape is \\n, \\t, \\r, \\0, \\\", \\\\ or \\xHH, not \\" + c + " in " + word);
                yield Integer.parseInt(word, at + 1, at + 3, 16);
            }
        };
    }

    /**
     * Writes bytes as a word.
     *
     * @param bytes the bytes
     * @return them in double quotes, with escapes
     */
    public static String quoted(byte[] bytes) {
        StringBuilder text = new StringBuilder("\"");
        for (byte b : bytes) {
            if (b == '"' || b == '\\')
                text.append('\\').append((char) b);
            else if (b == '\n')
                text.append("\\n");
            else if (b >= ' ' && b < 127)
                text.append((char) b);
            else
                text.append("\\x").append(HexFormat.of().toHexDigits(b));
        }
        return text.append('"').toString();
    }

    /**
     * A text for a terminal.
     *
     * @param text what a peer may have chosen, such as the name of a file or of a process
     * @return it with a backslash, u and digits for all that a terminal obeys, that ends a line, or that turns the direction of writing
     */
    public static String visible(String text) {
        return INVISIBLE.matcher(text)
                .replaceAll(found -> "\\\\u%04x".formatted(found.group().codePointAt(0)));
    }

    /**
     * The parts of {@code NAME=VALUE}.
     *
     * @param word the word
     * @return name and value, which keeps its quotes
     * @throws IllegalArgumentException if there is no such sign, or nothing before it
     */
    public static Map.Entry<String, String> option(String word) {
        int equals = word.indexOf('=');
        if (equals < 1)
            throw new IllegalArgumentException("an option is NAME=VALUE, not " + word);
        return Map.entry(word.substring(0, equals), word.substring(equals + 1));
    }
}
