package org.imsg.harness.describe;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.imsg.cstruct.CLayout;
import org.imsg.cstruct.CLayout.Scalar;
import org.imsg.cstruct.CLayout.Struct;
import org.imsg.cstruct.CLayout.Type;
import org.imsg.cstruct.CLayoutBuilder;
import org.imsg.harness.record.Direction;
import org.jspecify.annotations.Nullable;

/** Reads struct descriptions, and structs as they stand in a header. */
final class ProtocolParser {
    private static final Pattern MESSAGE = Pattern
            .compile(
                    "message\\s+(\\S+)\\s+(\\S+)(\\s+[<>])?(\\s+(?:struct\\s+)?\\w+(?:\\s*\\[\\s*\\d*\\s*\\])?)?\\s*;?");
    private static final int MOST = 1 << 24;
    private static final int DEEPEST = 32;
    private static final Set<String> NUMBER_WORDS = Set.of("unsigned", "signed", "char", "short", "int", "long",
            "float", "double");
    private static final Set<String> QUALIFIERS = Set.of("const", "volatile", "static", "register");

    private final Tokens tokens;
    private final Constants constants;
    private final Map<String, StructLayout> structs = new LinkedHashMap<>();
    private final Map<String, Type> types = new LinkedHashMap<>();
    private final Map<String, Map<String, Long>> enums = new LinkedHashMap<>();
    private final List<NamedType> messages = new ArrayList<>();
    private String name = "";
    private int depth;

    /** A field as it is written; a packed struct says so only behind its brace. */
    private record Field(String name, Type type, int at, int aligned, int line) {}

    /** The attributes of a struct or field: packed, and an alignment. */
    private static final class Attributes {
        boolean packed;
        int aligned = 1;
    }

    /** Throws an IllegalArgumentException that names the line which is wrong. */
    ProtocolParser(String text) {
        tokens = new Tokens(text);
        constants = new Constants(tokens, typeName -> type(typeName.replaceFirst("^(struct|union|enum) ", "")).size());
        while (!tokens.atEnd())
            atLine(0, this::declaration);
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

    /** The line is that of the token which was read last, unless it is given. */
    private void atLine(int line, Runnable reading) {
        try {
            reading.run();
        } catch (WrongLine e) {
            throw e;
        } catch (IllegalArgumentException | ArithmeticException e) {
            throw new WrongLine("line " + (line == 0 ? tokens.line() : line) + ": " + e.getMessage(), e);
        }
    }

    /** Names its line already. */
    private static final class WrongLine extends IllegalArgumentException {
        private static final long serialVersionUID = 1;

        WrongLine(String message, @Nullable Exception cause) {
            super(message, cause);
        }
    }

    private void declaration() {
        Tokens.Token first = tokens.peek();
        if (first.text().startsWith("protocol ") || first.text().startsWith("message ")) {
            tokens.take();
            if (first.text().startsWith("protocol "))
                name = first.text().substring("protocol ".length()).strip();
            else
                message(first.text().strip());
        } else if (first.is(";")) {
            tokens.take();
        } else if (first.is("typedef")) {
            tokens.take();
            typedef();
        } else if (Set.of("struct", "union", "enum", "__packed").contains(first.text()) && !isPrototype()) {
            type(new Attributes());
            while (!tokens.atEnd() && !tokens.peek().first() && !tokens.peek().is(";"))
                tokens.take(); // a variable of that type
        } else if (isPrototype() || first.is("extern") || first.is("static")) {
            while (!tokens.atEnd() && !tokens.take().is(";"))
                if (tokens.peek().is("{"))
                    throw new IllegalArgumentException("a function has no layout: remove it");
        } else {
            tokens.take();
            throw new IllegalArgumentException("protocol, struct or message begins a line, not " + first.text());
        }
    }

    private boolean isPrototype() {
        boolean bracket = false;
        for (int i = 0;; i++) {
            String text = tokens.peek(i).text();
            if (text.isEmpty() || text.equals("{") || text.equals("}"))
                return false;
            if (text.equals(";"))
                return bracket;
            bracket |= text.equals("(") && !tokens.peek(i - 1).text().startsWith("__");
        }
    }

    private void typedef() {
        Type type = type(new Attributes());
        for (Field alias : declarators(type, new Attributes())) {
            if (known(alias.name()))
                throw new IllegalArgumentException("there is a type " + alias.name() + " already");
            Type named = alias.type() instanceof Struct struct && struct.layout().name().isEmpty()
                    ? new Struct(renamed(struct.layout(), alias.name()))
                    : alias.type();
            types.put(alias.name(), named);
            if (named instanceof Struct struct && struct != CTypes.IPV4 && struct != CTypes.IPV6)
                structs.put(alias.name(), new StructLayout(struct.layout(), enums));
        }
    }

    private static CLayout renamed(CLayout layout, String newName) {
        return new CLayout(newName, layout.members(), layout.size(), layout.alignment(), layout.packed());
    }

    /** Takes what stands before the names of fields. */
    private Type type(Attributes attributes) {
        while (QUALIFIERS.contains(tokens.peek().text()) || attribute(attributes))
            if (QUALIFIERS.contains(tokens.peek().text()))
                tokens.take();
        Tokens.Token first = tokens.take();
        Type type = switch (first.text()) {
            case "struct", "union" -> composite(first.is("union"), attributes);
            case "enum" -> enumeration();
            default -> {
                if (!first.isWord())
                    throw new IllegalArgumentException("expected TYPE NAME, TYPE NAME[COUNT], with \"at OFFSET\" behind"
                            + " it where wanted, not: " + (first.text().isEmpty() ? "the end" : first.text()));
                List<String> words = new ArrayList<>(List.of(first.text()));
                while (NUMBER_WORDS.contains(first.text()) && NUMBER_WORDS.contains(tokens.peek().text()))
                    words.add(tokens.take().text());
                if (tokens.peek().is("*") || tokens.peek().is("(") && tokens.peek(1).is("*"))
                    yield CTypes.BYTE; // only its address is in the struct
                Type macro = tokens.peek().is("(") ? CTypes.ofMacro(first.text()) : null;
                if (macro != null)
                    bracketed("(", ")");
                yield macro != null
                        ? macro
                        : NUMBER_WORDS.contains(first.text()) ? CTypes.ofWords(words) : type(first.text());
            }
        };
        while (QUALIFIERS.contains(tokens.peek().text()))
            tokens.take();
        return type;
    }

    private boolean attribute(Attributes attributes) {
        String word = tokens.peek().text();
        if (word.equals("packed") && (tokens.peek(1).is("{") || tokens.peek(1).is("size"))
                || word.equals("__packed") || word.equals("__aligned") || word.equals("__attribute__")
                || word.equals("__unused")) {
            int line = tokens.take().line();
            attributes.packed |= word.endsWith("packed");
            if (tokens.peek().is("(")) {
                List<Tokens.Token> inside = bracketed("(", ")");
                List<String> words = inside.stream().map(Tokens.Token::text).toList();
                attributes.packed |= words.contains("packed") || words.contains("__packed__");
                int at = Math.max(words.indexOf("aligned"), words.indexOf("__aligned__"));
                if (word.equals("__aligned"))
                    attributes.aligned = Math.toIntExact(constants.value(inside));
                else if (at >= 0)
                    atLine(line, () -> attributes.aligned = Math
                            .toIntExact(constants.value(inside.subList(at + 2, words.indexOf(")")))));
            }
            return true;
        }
        return false;
    }

    /** Takes everything up to the closing sign, and returns what is between. */
    private List<Tokens.Token> bracketed(String opening, String closing) {
        tokens.expect(opening, "here");
        List<Tokens.Token> inside = new ArrayList<>();
        for (int open = 1;;) {
            if (tokens.atEnd())
                throw new IllegalArgumentException("a " + opening + " is not closed");
            Tokens.Token token = tokens.take();
            open += token.is(opening) ? 1 : token.is(closing) ? -1 : 0;
            if (open == 0)
                return inside;
            inside.add(token);
        }
    }

    private Type composite(boolean union, Attributes outer) {
        Attributes attributes = new Attributes();
        attributes.packed = outer.packed;
        outer.packed = false;
        while (attribute(attributes));
        String tag = tokens.peek().isWord() ? tokens.take().text() : "";
        int size = -1;
        while (attribute(attributes) || tokens.peek().is("size"))
            if (tokens.takeIf("size"))
                size = number(List.of(tokens.take()), "a size");
        if (!tokens.peek().is("{")) {
            if (tokens.peek().is(";") || tokens.peek().is("*"))
                return CTypes.BYTE; // a declaration without members, or a pointer
            if (tag.isEmpty() || tokens.peek().isWord() || tokens.peek().is("[") || tokens.peek().is(")"))
                return type(tag);
            throw new IllegalArgumentException("expected struct NAME [packed] [size BYTES] {, not: struct " + tag + " "
                    + tokens.peek().text());
        }
        if (known(tag))
            throw new IllegalArgumentException("there is a type " + tag + " already");
        tokens.take();
        if (++depth > DEEPEST)
            throw new IllegalArgumentException("structs in structs in structs, more than " + DEEPEST);
        List<Field> fields = new ArrayList<>();
        while (!tokens.takeIf("}")) {
            if (tokens.atEnd())
                throw new WrongLine((union ? "union " : "struct ") + tag + " is not closed", null);
            if (!tokens.takeIf(";"))
                fields.addAll(fields());
        }
        depth--;
        while (attribute(attributes));
        CLayout layout = union ? union(tag, fields) : struct(tag, fields, size, attributes);
        Struct type = new Struct(layout);
        if (!tag.isEmpty()) {
            types.put(tag, type);
            structs.put(tag, new StructLayout(layout, enums));
        }
        return type;
    }

    private CLayout struct(String tag, List<Field> fields, int size, Attributes attributes) {
        CLayoutBuilder open = new CLayoutBuilder(tag);
        if (attributes.packed)
            open.packed();
        open.align(attributes.aligned);
        for (Field field : fields)
            atLine(field.line(), () -> add(open, field));
        if (size >= 0)
            open.size(size);
        CLayout layout = open.build();
        if (layout.size() > MOST)
            throw new IllegalArgumentException("a struct has at most " + MOST + " bytes, not " + layout.size());
        return layout;
    }

    private static void add(CLayoutBuilder open, Field field) {
        if (field.aligned() > 1)
            open.align(field.aligned());
        int natural = Math.max(field.aligned(), field.type().alignment());
        if (field.at() >= 0)
            open.addAt(field.name(), field.type(), field.at());
        else if (field.aligned() > 1)
            open.addAt(field.name(), field.type(), Math.addExact(open.end(), natural - 1) / natural * natural);
        else
            open.add(field.name(), field.type());
        if (open.end() > MOST)
            throw new IllegalArgumentException("a struct has at most " + MOST + " bytes, not " + open.end());
    }

    private CLayout union(String tag, List<Field> fields) {
        int alignment = 1;
        List<CLayout.Member> members = new ArrayList<>();
        for (Field field : fields) {
            if (field.type().size() == 0)
                throw new WrongLine("line " + field.line() + ": " + field.name()
                        + " has no size, which a union's member needs", null);
            alignment = Math.max(alignment, Math.max(field.aligned(), field.type().alignment()));
            members.add(new CLayout.Member(field.name(), field.type(), 0));
        }
        return CTypes.union(tag, members, alignment).layout();
    }

    private List<Field> fields() {
        Attributes attributes = new Attributes();
        Type type = type(attributes);
        if (type instanceof Struct struct && struct.layout().name().isEmpty()
                && (tokens.peek().is(";") || tokens.peek().is("}") || tokens.peek().first())) {
            tokens.takeIf(";");
            return List.of(new Field(StructLayout.NAMELESS + tokens.line(), type, -1, 1, tokens.line()));
        }
        return tokens.takeIf(";") ? List.of() : declarators(type, attributes);
    }

    private List<Field> declarators(Type base, Attributes attributes) {
        List<Field> fields = new ArrayList<>();
        do
            fields.add(declarator(base, attributes));
        while (tokens.takeIf(","));
        if (!tokens.takeIf(";") && !tokens.atEnd() && !tokens.peek().first() && !tokens.peek().is("}"))
            throw new IllegalArgumentException("expected TYPE NAME, TYPE NAME[COUNT], with \"at OFFSET\" behind it"
                    + " where wanted, not: " + fields.getLast().name() + " " + tokens.peek().text());
        return fields;
    }

    private Field declarator(Type base, Attributes attributes) {
        Type type = base;
        boolean function = tokens.takeIf("(");
        while (tokens.takeIf("*") || QUALIFIERS.contains(tokens.peek().text()) && tokens.take().isWord())
            type = CTypes.ofWords(List.of("unsigned", "long"));
        while (attribute(attributes));
        Tokens.Token word = tokens.take();
        if (!word.isWord())
            throw new IllegalArgumentException("expected TYPE NAME, TYPE NAME[COUNT], with \"at OFFSET\" behind it"
                    + " where wanted, not: " + word.text());
        if (function) {
            tokens.expect(")", "behind " + word.text());
            bracketed("(", ")");
        }
        type = dimensions(type);
        int at = tokens.takeIf("at") ? number(List.of(tokens.take()), "an offset") : -1;
        if (tokens.peek().is(":"))
            throw new IllegalArgumentException(word.text() + " is a bit-field: write one field for all that share an"
                    + " unsigned int, such as uint32_t " + word.text() + ";");
        while (attribute(attributes));
        if (attributes.packed)
            throw new IllegalArgumentException(word.text() + " alone is packed: write \"at OFFSET\" behind it instead");
        return new Field(word.text(), type, at, attributes.aligned, word.line());
    }

    private Type dimensions(Type element) {
        List<Integer> counts = new ArrayList<>();
        while (tokens.peek().is("[")) {
            List<Tokens.Token> inside = bracketed("[", "]");
            counts.add(inside.isEmpty() ? 0 : number(inside, "a count"));
        }
        Type type = element;
        long size = Math.max(1, element.size());
        for (int count : counts.reversed()) {
            size = size * Math.max(1, count);
            if (size > MOST)
                throw new IllegalArgumentException("a struct has at most " + MOST + " bytes");
            if (type.size() == 0)
                throw new IllegalArgumentException("only the first brackets may be empty");
            type = CTypes.array(type, count);
        }
        return type;
    }

    private int number(List<Tokens.Token> expression, String what) {
        long value = constants.value(expression);
        if (value < 0 || value > Integer.MAX_VALUE)
            throw new IllegalArgumentException(what + " is 0 or more and no more than an int holds, not " + value);
        return (int) value;
    }

    private Type enumeration() {
        Attributes attributes = new Attributes();
        while (attribute(attributes));
        String tag = tokens.peek().isWord() ? tokens.take().text() : "at line " + tokens.line();
        if (!tokens.takeIf("{"))
            return enums.containsKey("enum " + tag)
                    ? type("enum " + tag)
                    : CTypes.enumeration(tag, false);
        Map<String, Long> values = new LinkedHashMap<>();
        for (long next = 0; !tokens.takeIf("}"); next++) {
            if (tokens.atEnd())
                throw new WrongLine("enum " + tag + " is not closed", null);
            Tokens.Token word = tokens.take();
            String constant = word.text();
            if (!word.isWord())
                throw new IllegalArgumentException("expected a name of the enum, not " + constant);
            if (tokens.takeIf("=")) {
                List<Tokens.Token> expression = new ArrayList<>();
                while (!tokens.atEnd() && !tokens.peek().is(",") && !tokens.peek().is("}"))
                    expression.add(tokens.take());
                next = constants.value(expression);
            }
            values.put(constant, next);
            constants.add(constant, next);
            tokens.takeIf(",");
        }
        while (attribute(attributes));
        if (attributes.packed)
            throw new IllegalArgumentException("a packed enum has the size its values need: write uint8_t for it");
        Scalar type = CTypes.enumeration(tag, values.values().stream().anyMatch(value -> value < 0));
        enums.put(type.name(), values);
        types.put(type.name(), type);
        return type;
    }

    private void message(String line) {
        Matcher words = MESSAGE.matcher(line);
        if (!words.matches())
            throw new IllegalArgumentException("expected message TYPE NAME [> or <] [STRUCT], not: " + line);
        Direction direction = words.group(3) == null
                ? Direction.NONE
                : words.group(3).strip().equals(">") ? Direction.TO_SERVER : Direction.TO_CLIENT;
        messages.add(new NamedType(messageType(words.group(1)), words.group(2), direction,
                words.group(4) == null ? null : payload(words.group(4).strip().replaceFirst("^struct\\s+", ""))));
    }

    /** A number, or what a pasted header calls it. */
    private int messageType(String text) {
        try {
            if (!constants.knows(text))
                return NamedType.number(text);
            long value = constants.value(Tokens.of(text));
            if (value == (value & 0xFFFF_FFFFL))
                return (int) value;
        } catch (NumberFormatException _) {
            // as below
        }
        throw new IllegalArgumentException("a type is a number from 0 to 4294967295, or one that a #define or enum"
                + " above names, not " + text);
    }

    /** A struct; of another type, a struct with one field. */
    private StructLayout payload(String words) {
        String typeName = words.replaceFirst("\\s*\\[.*", "");
        StructLayout struct = structs.get(typeName);
        if (struct != null && typeName.equals(words))
            return struct;
        Type type = type(typeName);
        if (!typeName.equals(words)) {
            String count = words.replaceAll("\\D", "");
            type = CTypes.array(type, count.isEmpty() ? 0 : number(Tokens.of(count), "a count"));
        }
        return new StructLayout(new CLayoutBuilder(typeName).add("value", type).build(), enums);
    }

    private boolean known(String typeName) {
        return types.containsKey(typeName) || CTypes.of(typeName) != null;
    }

    private Type type(String typeName) {
        Type type = types.containsKey(typeName) ? types.get(typeName) : CTypes.of(typeName);
        if (type == null)
            throw new IllegalArgumentException("there is no type " + typeName + ": paste its struct, enum or typedef"
                    + " above, or write byte NAME[SIZE] for its bytes (imsg help structs names all types)");
        return type;
    }
}
