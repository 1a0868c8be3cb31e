package org.imsg.harness.describe;

import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import org.imsg.harness.record.Direction;
import org.imsg.harness.record.Event;

/** Events as text for people: a line of columns, then the payload's fields by name, or its bytes with their text. */
public final class EventPrinter {
    private static final int ROW = 16;
    private static final String RESET = "\u001B[0m";
    private static final String RED = "\u001B[31m";
    private static final String GREEN = "\u001B[32m";
    private static final String BLUE = "\u001B[34m";
    private static final String FAINT = "\u001B[2m";

    private final ProtocolDescription protocol;
    private final boolean colour;
    private final int rows;

    /**
     * A printer.
     *
     * @param protocol what names are known
     * @param colour whether to colour, as on a terminal
     * @param rows how many rows of 16 bytes are shown of a payload at most, 0 for none
     */
    public EventPrinter(ProtocolDescription protocol, boolean colour, int rows) {
        this.protocol = protocol;
        this.colour = colour;
        this.rows = rows;
    }

    /** {@return the heading of the columns} */
    public String heading() {
        return paint(FAINT, "%12s %4s    %-24s %10s %10s %7s %-7s %s".formatted("seconds", "conn", "type", "peerid",
                "pid", "length", "format", "descriptor"));
    }

    /**
     * An event.
     *
     * @param event what happened
     * @return one or more lines, without a line feed at the end
     */
    public String text(Event event) {
        List<String> lines = new ArrayList<>();
        lines.add(String.format(Locale.ROOT, "%12.6f %4d %s %s", event.nanos() / 1e9, event.connection(),
                arrow(event.direction()), summary(event)));
        switch (event.kind()) {
            case MESSAGE -> payload(event, lines);
            case BYTES -> dump(event.bytes(), lines);
            case END, NOTE -> {
                // the line says it all
            }
        }
        return String.join("\n", lines);
    }

    private String arrow(Direction direction) {
        return switch (direction) {
            case TO_SERVER -> paint(GREEN, "->");
            case TO_CLIENT -> paint(BLUE, "<-");
            case NONE -> "--";
        };
    }

    private String summary(Event event) {
        return switch (event.kind()) {
            case MESSAGE -> String.format(Locale.ROOT, "%-24s %10s %10s %7d %-7s %s",
                    typeText(event.type(), event.direction()), Integer.toUnsignedString(event.id()),
                    Integer.toUnsignedString(event.pid()), event.bytes().length,
                    event.format().name().toLowerCase(Locale.ROOT), descriptor(event)).stripTrailing();
            case BYTES ->
                paint(RED,
                        event.bytes().length + " bytes"
                                + (event.note().isEmpty() ? "" : ": " + Words.visible(event.note())))
                        + (event.descriptors().isEmpty() ? "" : "  fd " + names(event));
            case END -> "end of stream";
            case NOTE -> Words.visible(event.note());
        };
    }

    private String typeText(int type, Direction direction) {
        String name = protocol.typeName(type, direction);
        return Integer.toUnsignedString(type) + (name.isEmpty() ? "" : " " + Words.visible(name));
    }

    /**
     * What there is to say of a message's descriptor.
     *
     * @param message a message
     * @return {@code -} if there is none and none is announced
     */
    public static String descriptor(Event message) {
        String what = names(message);
        if (message.marked())
            return what.isEmpty() ? "marked, missing" : what;
        return what.isEmpty() ? "-" : "not marked: " + what;
    }

    private static String names(Event event) {
        return Words.visible(String.join(", ", event.descriptors()));
    }

    private void payload(Event event, List<String> lines) {
        byte[] payload = event.payload();
        StructLayout struct = protocol.payload(event).orElse(null);
        if (struct == null) {
            dump(payload, lines);
            return;
        }
        String remark = struct.sizeRemark(payload.length);
        if (!remark.isEmpty())
            lines.add("    " + paint(RED, remark));
        List<StructLayout.Value> values = struct.values(payload);
        int width = values.stream().mapToInt(value -> value.name().length()).max().orElse(1);
        for (StructLayout.Value value : values)
            lines.add("    " + paint(FAINT, String.format(Locale.ROOT, "%5d", value.offset())) + " "
                    + ("%-" + width + "s %s").formatted(value.name(), value.text()));
    }

    private void dump(byte[] bytes, List<String> lines) {
        int shown = Math.min(bytes.length, rows * ROW);
        for (int at = 0; at < shown; at += ROW)
            lines.add("    " + paint(FAINT, "%04x".formatted(at)) + "  "
                    + row(bytes, at, Math.min(ROW, bytes.length - at)));
        if (rows > 0 && shown < bytes.length)
            lines.add("    " + paint(FAINT, "... " + (bytes.length - shown) + " bytes more"));
    }

    private static String row(byte[] bytes, int at, int count) {
        String hex = HexFormat.ofDelimiter(" ").formatHex(bytes, at, at + count);
        StringBuilder text = new StringBuilder();
        for (int i = at; i < at + count; i++)
            text.append(bytes[i] >= ' ' && bytes[i] < 127 ? (char) bytes[i] : '.');
        return "%-47s  |%s|".formatted(hex, text);
    }

    private String paint(String code, String text) {
        return colour ? code + text + RESET : text;
    }
}
