package org.imsg.harness.describe;

import java.util.List;

/** A JSON object (RFC 8259) that is being written. Not safe for two threads at once. */
public final class JsonObject {
    private final StringBuilder text = new StringBuilder("{");

    /** An object without members. */
    public JsonObject() {}

    /**
     * Adds a string.
     *
     * @param name the member's name
     * @param value the string
     * @return this
     */
    public JsonObject string(String name, String value) {
        return member(name, quote(value));
    }

    /**
     * Adds a number, true, false, null, an object or an array.
     *
     * @param name the member's name
     * @param value as JSON writes it
     * @return this
     */
    public JsonObject number(String name, String value) {
        return member(name, value);
    }

    /**
     * Adds strings.
     *
     * @param name the member's name
     * @param values the strings
     * @return this
     */
    public JsonObject strings(String name, List<String> values) {
        return member(name, "[" + String.join(",", values.stream().map(JsonObject::quote).toList()) + "]");
    }

    private JsonObject member(String name, String json) {
        text.append(text.length() > 1 ? "," : "").append(quote(name)).append(':').append(json);
        return this;
    }

    static String quote(String value) {
        StringBuilder quoted = new StringBuilder("\"");
        for (char c : value.toCharArray())
            if (c == '"' || c == '\\')
                quoted.append('\\').append(c);
            else if (c < ' ' || c >= 127) // in the locale C an output has ASCII only
                quoted.append("\\u%04x".formatted((int) c));
            else
                quoted.append(c);
        return quoted.append('"').toString();
    }

    /** {@return the object, on one line} */
    @Override
    public String toString() {
        return text + "}";
    }
}
