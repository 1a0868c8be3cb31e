package org.imsg.harness.describe;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.imsg.cstruct.CLayout;
import org.imsg.cstruct.CLayout.Struct;
import org.imsg.cstruct.CLayout.Type;
import org.imsg.cstruct.CLayoutBuilder;
import org.imsg.harness.record.Direction;
import org.jspecify.annotations.Nullable;

/** Reads struct descriptions. */
final class ProtocolParser {
    private static final Pattern MESSAGE = Pattern.compile("message\\s+(\\S+)\\s+(\\S+)(\\s+[<>])?(\\s+\\w+)?");
    private static final Pattern STRUCT = Pattern
            .compile("struct\\s+(\\w+)(\\s+packed)?(\\s+size\\s+\\d+)?\\s*\\{");
    private static final Pattern FIELD = Pattern
            .compile("(?:struct\\s+)?(\\w+)\\s+(\\w+)\\s*(\\[\\s*\\d*\\s*\\])?(\\s+at\\s+\\d+)?\\s*;?");
    private static final int MOST = 1 << 24;

    private final Map<String, StructLayout> structs = new LinkedHashMap<>();
    private final List<NamedType> messages = new ArrayList<>();
    private String name = "";
    /** A struct whose closing brace has not come yet, and its name. */
    private @Nullable CLayoutBuilder open;
    private String opened = "";

    /** Throws an IllegalArgumentException that names the line which is wrong. */
    ProtocolParser(String text) {
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
            throw new IllegalArgumentException("struct " + opened + " is not closed");
    }

    String name() {
        return name;
    }

    Map<String, StructLayout> structs() {
        return structs;
    }

    List<NamedType> messages() {
        return messages;
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
        if (structs.containsKey(words.group(1)) || CTypes.of(words.group(1)) != null)
            throw new IllegalArgumentException("there is a type " + words.group(1) + " already");
        opened = words.group(1);
        open = new CLayoutBuilder(opened);
        if (words.group(2) != null)
            open.packed();
        if (words.group(3) != null)
            open.size(number(words.group(3)));
    }

    private void inStruct(String line) {
        if (line.startsWith("}")) {
            structs.put(opened, new StructLayout(open.build()));
            open = null;
            return;
        }
        Matcher words = match(FIELD, line, "TYPE NAME, TYPE NAME[COUNT], with \"at OFFSET\" behind it where wanted");
        String brackets = words.group(3) == null ? null : words.group(3).replaceAll("[\\[\\]\\s]", "");
        int count = brackets == null ? 1 : brackets.isEmpty() ? 0 : Integer.parseInt(brackets);
        if (brackets != null && !brackets.isEmpty() && count == 0)
            throw new IllegalArgumentException("an array has 1 element or more; [] takes what is left");
        Type type = type(words.group(1));
        if ((long) type.size() * count > MOST)
            throw new IllegalArgumentException("a struct has at most " + MOST + " bytes");
        add(words.group(2), brackets == null ? type : CTypes.array(type, count), words.group(4));
        if (open.end() > MOST)
            throw new IllegalArgumentException("a struct has at most " + MOST + " bytes, not " + open.end());
    }

    private void add(String field, Type type, String at) {
        if (at == null)
            open.add(field, type);
        else
            open.addAt(field, type, number(at));
    }

    private void message(String line) {
        Matcher words = match(MESSAGE, line, "message TYPE NAME [> or <] [STRUCT]");
        int type;
        try {
            type = NamedType.number(words.group(1));
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException("a type is a number from 0 to 4294967295, not " + words.group(1), e);
        }
        Direction direction = words.group(3) == null
                ? Direction.NONE
                : words.group(3).strip().equals(">") ? Direction.TO_SERVER : Direction.TO_CLIENT;
        messages.add(new NamedType(type, words.group(2),
                direction,
                words.group(4) == null ? null : payload(words.group(4).strip())));
    }

    /** A struct; of another type, a struct with one field. */
    private StructLayout payload(String typeName) {
        if (structs.containsKey(typeName))
            return structs.get(typeName);
        return new StructLayout(new CLayoutBuilder(typeName).add("value", type(typeName)).build());
    }

    private Type type(String typeName) {
        StructLayout struct = structs.get(typeName);
        if (struct != null)
            return new Struct(struct.layout());
        Type type = CTypes.of(typeName);
        if (type == null)
            throw new IllegalArgumentException("there is no type " + typeName + "; there are " + CTypes.names()
                    + (structs.isEmpty() ? "" : ", " + String.join(", ", structs.keySet())));
        return type;
    }

    /** The number at the end of a part. */
    private static int number(String part) {
        return Integer.parseInt(part.replaceAll("\\D", ""));
    }

    private static Matcher match(Pattern pattern, String line, String expected) {
        Matcher words = pattern.matcher(line);
        if (!words.matches())
            throw new IllegalArgumentException("expected " + expected + ", not: " + line);
        return words;
    }
}
