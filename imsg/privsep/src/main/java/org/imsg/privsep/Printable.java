package org.imsg.privsep;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.HexFormat;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;

/** Text for a log that comes from elsewhere, and may have been written to pass for something else. */
final class Printable {
    private static final String NEXT_LINE = "\n    | ";

    private Printable() {}

    /**
     * The text with its control characters shown and its lines marked as continuations: no line of it passes for a record of its
     * own, and no terminal obeys it. At most so many characters; the rest is counted.
     */
    static String of(String text, int most) {
        StringBuilder clean = new StringBuilder(Math.min(text.length(), most) + 32);
        int next = 0;
        while (next < text.length() && clean.length() < most) {
            int c = text.codePointAt(next);
            next += Character.charCount(c);
            if (c == '\n')
                clean.append(NEXT_LINE);
            else if (c == '\t' || !isControl(c))
                clean.appendCodePoint(c);
            else
                clean.append("\\u").append(HexFormat.of().toHexDigits(c, c > 0xFFFF ? 6 : 4));
        }
        if (next < text.length())
            clean.append("... (").append(text.length() - next).append(" more)");
        return clean.toString();
    }

    /** Controls, the separators of lines, and what turns the direction of writing. */
    private static boolean isControl(int c) {
        return Character.isISOControl(c) || switch (Character.getType(c)) {
            case Character.FORMAT, Character.SURROGATE, Character.LINE_SEPARATOR, Character.PARAGRAPH_SEPARATOR -> true;
            default -> false;
        };
    }

    /** The stack trace. */
    static String trace(Throwable thrown) {
        StringWriter trace = new StringWriter();
        thrown.printStackTrace(new PrintWriter(trace, true));
        return trace.toString().stripTrailing();
    }

    /** What failed and why, in one line: the messages of the exception and of its causes. */
    static String line(Throwable thrown) {
        StringBuilder line = new StringBuilder();
        for (Throwable t : causes(thrown)) {
            String text = t instanceof RuntimeException || t instanceof Error || t.getMessage() == null
                    ? t.toString() + at(t)
                    : t.getMessage();
            if (line.indexOf(text) < 0)
                line.append(line.isEmpty() ? "" : ": ").append(text);
        }
        return oneLine(line.toString());
    }

    /** An exception and its causes, a hundred at most: they may go round in a circle. */
    static List<Throwable> causes(Throwable thrown) {
        return Stream.iterate(thrown, Objects::nonNull, Throwable::getCause).limit(100).toList();
    }

    /** A text of any length with its lines joined and its control characters shown. */
    static String oneLine(String text) {
        return of(text.strip().replaceAll("\\R\\s*", "; "), Integer.MAX_VALUE);
    }

    private static String at(Throwable thrown) {
        StackTraceElement[] stack = thrown.getStackTrace();
        return stack.length == 0 ? "" : " at " + stack[0];
    }
}
