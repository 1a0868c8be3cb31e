package org.imsg.harness.cli;

import java.io.PrintWriter;
import java.util.List;
import org.imsg.harness.describe.JsonObject;
import org.imsg.harness.describe.Words;

/**
 * Rows that are shown as they come: columns for people, each as wide as its heading with the blanks behind it or as what is in it;
 * or an object a line for programs, whose members are the headings.
 */
final class Rows {
    /** Programs that read JSON round whole numbers above it. */
    private static final double EXACT = 0x1p53;

    private final PrintWriter out;
    private final boolean json;
    private final String[] headings;

    Rows(PrintWriter out, boolean json, String... headings) {
        this.out = out;
        this.json = json;
        this.headings = headings;
        if (!json)
            out.println(String.join("  ", headings).stripTrailing());
    }

    /** Strings, numbers, truth values, lists of numbers. */
    void add(Object... values) {
        out.println(json ? object(values) : columns(values));
    }

    private JsonObject object(Object... values) {
        JsonObject object = new JsonObject();
        for (int i = 0; i < values.length; i++) {
            String name = headings[i].strip();
            if (values[i] instanceof Long big && Math.abs((double) big) > EXACT)
                object.string(name, big.toString());
            else if (values[i] instanceof Number || values[i] instanceof Boolean || values[i] instanceof List)
                object.number(name, values[i].toString());
            else
                object.string(name, values[i].toString());
        }
        return object;
    }

    private String columns(Object... values) {
        StringBuilder line = new StringBuilder();
        for (int i = 0; i < values.length; i++)
            line.append(i == 0 ? "" : "  ").append(padded(text(values[i]), headings[i].length()));
        return line.toString().stripTrailing();
    }

    private static String padded(String text, int width) {
        return text + " ".repeat(Math.max(0, width - text.length()));
    }

    /** What a daemon says may hold what a terminal obeys. */
    private static String text(Object value) {
        return Words.visible(value instanceof List<?> list
                ? String.join(" ", list.stream().map(Object::toString).toList())
                : value.toString());
    }
}
