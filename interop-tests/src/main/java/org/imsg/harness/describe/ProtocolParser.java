package org.imsg.harness.describe;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.imsg.harness.record.Direction;

/** Reads struct descriptions, and lays the structs out as C does. */
final class ProtocolParser {
    private static final Pattern MESSAGE = Pattern.compile("message\\s+(\\S+)\\s+(\\S+)(\\s+[<>])?(\\s+\\w+)?");
    private static final Pattern STRUCT = Pattern
            .compile("struct\\s+(\\w+)(\\s+packed)?(\\s+size\\s+\\d+)?\\s*\\{");
    private static final Pattern FIELD = Pattern
            .compile("(?:struct\\s+)?(\\w+)\\s+(\\w+)\\s*(\\[\\s*\\d*\\s*\\])?(\\s+at\\s+\\d+)?\\s*;?");
    private static final int MOST = 1 << 24;

    private final Map<String, StructLayout> structs = new LinkedHashMap<>();
    private final List<Protocol.Message> messages = new ArrayList<>();
    private String name = "";
    private Layout open;

    /** A struct whose closing brace has not come yet. */
    private static final class Layout {
        final String name;
        final boolean packed;
        final int fixedSize;
        final List<StructLayout.Field> fields = new ArrayList<>();
        int end;
        int alignment = 1;

        Layout(String name, boolean packed, int fixedSize) {
            this.name = name;
            this.packed = packed;
            this.fixedSize = fixedSize;
        }

        void add(String fieldName, FieldType type, int count, boolean array, int at) {
            if (!fields.isEmpty() && fields.getLast().flexible())
                throw new IllegalArgumentException(
                        fields.getLast().name() + "[] takes all that is left: it must be last");
            if (fields.stream().anyMatch(field -> field.name().equals(fieldName)))
                throw new IllegalArgumentException("there are two fields " + fieldName);
            int aligned = packed ? 1 : type.alignment();
            int offset = at >= 0 ? at : roundUp(end, aligned);
            if (at >= 0 && at < end)
                throw new IllegalArgumentException(
                        fieldName + " at " + at + " is inside the field before, which ends at "
                                + end);
            fields.add(new StructLayout.Field(fieldName, type, offset, count, array));
            end = Math.toIntExact(Math.addExact((long) offset, (long) type.size() * count));
            if (end > MOST)
                throw new IllegalArgumentException("a struct has at most " + MOST + " bytes, not " + end);
            alignment = Math.max(alignment, aligned);
        }

        StructLayout close() {
            int size = roundUp(end, alignment);
            if (fixedSize >= 0) {
                if (fixedSize < end)
                    throw new IllegalArgumentException("struct " + name + " is to have " + fixedSize
                            + " bytes, its fields end at " + end);
                size = fixedSize;
            }
            return new StructLayout(name, fields, size, alignment);
        }

        private static int roundUp(int offset, int to) {
            return (offset + to - 1) / to * to;
        }
    }

    Protocol parse(String text) {
        List<String> lines = text.lines().toList();
        for (int i = 0; i < lines.size(); i++) {
            String line = lines.get(i).replaceFirst("#.*", "").strip();
            try {
                if (!line.isEmpty())
                    line(line);
            } catch (IllegalArgumentException | ArithmeticException e) {
                throw new IllegalArgumentException("line " + (i + 1) + ": " + e.getMessage(), e);
            }
        }
        if (open != null)
            throw new IllegalArgumentException("struct " + open.name + " is not closed");
        return new Protocol(name, structs, messages);
    }

    private void line(String line) {
        if (open != null)
            inStruct(line);
        else if (line.startsWith("protocol "))
            name = line.substring("protocol ".length()).strip();
        else if (line.startsWith("struct "))
            begin(line);
        else if (line.startsWith("message "))
            message(line);
        else
            throw new IllegalArgumentException("protocol, struct or message begins a line, not " + line);
    }

    private void begin(String line) {
        Matcher words = match(STRUCT, line, "struct NAME [packed] [size BYTES] {");
        if (structs.containsKey(words.group(1)) || FieldType.of(words.group(1)) != null)
            throw new IllegalArgumentException("there is a type " + words.group(1) + " already");
        open = new Layout(words.group(1), words.group(2) != null, number(words.group(3)));
    }

    private void inStruct(String line) {
        if (line.startsWith("}")) {
            structs.put(open.name, open.close());
            open = null;
            return;
        }
        Matcher words = match(FIELD, line, "TYPE NAME, TYPE NAME[COUNT], with \"at OFFSET\" behind it where wanted");
        String brackets = words.group(3) == null ? null : words.group(3).replaceAll("[\\[\\]\\s]", "");
        int count = brackets == null ? 1 : brackets.isEmpty() ? 0 : Integer.parseInt(brackets);
        if (brackets != null && !brackets.isEmpty() && count == 0)
            throw new IllegalArgumentException("an array has 1 element or more; [] takes what is left");
        open.add(words.group(2), type(words.group(1)), count, brackets != null, number(words.group(4)));
    }

    private void message(String line) {
        Matcher words = match(MESSAGE, line, "message TYPE NAME [> or <] [STRUCT]");
        Direction direction = words.group(3) == null
                ? Direction.NONE
                : words.group(3).strip().equals(">") ? Direction.TO_SERVER : Direction.TO_CLIENT;
        messages.add(new Protocol.Message(Protocol.NONE.type(words.group(1)), words.group(2), direction,
                words.group(4) == null ? null : payload(words.group(4).strip())));
    }

    /** A struct; of another type, a struct with one field. */
    private StructLayout payload(String typeName) {
        if (structs.containsKey(typeName))
            return structs.get(typeName);
        Layout single = new Layout(typeName, false, -1);
        single.add("value", type(typeName), 1, false, -1);
        return single.close();
    }

    private FieldType type(String typeName) {
        StructLayout struct = structs.get(typeName);
        if (struct != null)
            return FieldType.of(struct);
        FieldType type = FieldType.of(typeName);
        if (type == null)
            throw new IllegalArgumentException("there is no type " + typeName + "; there are " + FieldType.names()
                    + (structs.isEmpty() ? "" : ", " + String.join(", ", structs.keySet())));
        return type;
    }

    /** The number at the end of an optional part, or -1. */
    private static int number(String part) {
        return part == null ? -1 : Integer.parseInt(part.replaceAll("\\D", ""));
    }

    private static Matcher match(Pattern pattern, String line, String expected) {
        Matcher words = pattern.matcher(line);
        if (!words.matches())
            throw new IllegalArgumentException("expected " + expected + ", not: " + line);
        return words;
    }
}
