package org.imsg.harness.scripted;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.imsg.harness.describe.ProtocolDescription;
import org.imsg.harness.describe.StructLayout;
import org.imsg.harness.describe.Words;
import org.imsg.harness.record.Direction;
import org.imsg.harness.record.Event;
import org.imsg.unix.Fd;
import org.imsg.unix.OpenFlag;
import org.jspecify.annotations.Nullable;

/** A message as {@code send}, {@code expect} and {@code on} write it: its header, its payload, its descriptors. */
final class MessageWords {
    private static final Set<String> OPTIONS = Set.of("id", "pid", "header.id", "header.pid", "fd");

    private final Map<String, String> options = new LinkedHashMap<>();
    private final Map<String, String> fields = new LinkedHashMap<>();
    private final List<String> files = new ArrayList<>();
    private final @Nullable StructLayout struct;

    /**
     * Throws an IllegalArgumentException that says what is wrong. A struct that is not named is the type's.
     *
     * @param asked the option that is no condition of a message that is asked for; empty for one that is sent
     */
    MessageWords(List<String> words, String asked, @Nullable Integer type, Direction direction,
            ProtocolDescription protocol) {
        boolean sent = asked.isEmpty();
        boolean named = words.stream().anyMatch(word -> word.startsWith("struct="));
        for (String word : words) {
            Map.Entry<String, String> option = Words.option(word);
            String name = option.getKey();
            if (Words.text(option.getValue()).isEmpty() && (name.equals("fd") || name.equals(asked)))
                throw new IllegalArgumentException(name + "= has no value");
            if (name.equals("fd") && sent)
                files.add(option.getValue());
            else if (OPTIONS.contains(name) || name.equals(sent ? "cut" : asked) || name.equals("struct")
                    || !named && Set.of("data", "hex").contains(name))
                put(options, name.replaceFirst("^header\\.", ""), option.getValue());
            else
                put(fields, name.replaceFirst("^struct\\.", ""), option.getValue());
        }
        struct = named
                ? protocol.struct(Words.text(options.get("struct")))
                : type == null || fields.isEmpty() ? null : protocol.payload(type, direction).orElse(null);
        if (struct == null && !fields.isEmpty())
            throw new IllegalArgumentException("there is no option " + fields.keySet().iterator().next()
                    + ", and no struct that has such a field: name one with struct=NAME (see imsg help script)");
        if (Stream.of(!fields.isEmpty(), options.containsKey("data"), options.containsKey("hex"))
                .filter(Boolean::booleanValue).count() > 1)
            throw new IllegalArgumentException("a payload is data=, hex= or the fields of a struct, not two of these");
        if (!Set.of("", "yes", "no").contains(option("fd", "")))
            throw new IllegalArgumentException("fd= is yes or no of a message that comes, not " + option("fd", ""));
        check();
    }

    private static void put(Map<String, String> where, String name, String value) {
        String before = where.put(name, value);
        if (before != null && !before.equals(value))
            throw new IllegalArgumentException(name + "= is given twice: " + before + " and " + value);
    }

    /** Finds what is wrong before anything is sent. */
    private void check() {
        if (options.values().stream().noneMatch(MessageWords::isVariable)
                && fields.values().stream().noneMatch(MessageWords::isVariable)) {
            payload(word -> word);
            cuts();
            number("id", 0, word -> word);
            number("pid", 0, word -> word);
        } else if (struct != null) {
            fields.keySet().forEach(field -> struct.has(new byte[0], field, "0"));
        }
    }

    private static boolean isVariable(String word) {
        return word.contains("$");
    }

    String option(String name, String otherwise) {
        return Words.text(options.getOrDefault(name, otherwise));
    }

    int number(String name, int otherwise, UnaryOperator<String> variables) {
        String word = options.get(name);
        if (word == null)
            return otherwise;
        String text = Words.text(variables.apply(word));
        try {
            return text.startsWith("0x")
                    ? Integer.parseUnsignedInt(text.substring(2), 16)
                    : Integer.parseUnsignedInt(text);
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException(name + "= is a number from 0 to 4294967295, not " + text, e);
        }
    }

    byte[] payload(UnaryOperator<String> variables) {
        String data = options.get("data");
        if (data != null)
            return Words.bytes(variables.apply(data));
        String hex = options.get("hex");
        if (hex != null)
            return fromHex(Words.text(variables.apply(hex)).replaceAll("\\s", ""));
        if (struct == null)
            return new byte[0];
        Map<String, String> values = new LinkedHashMap<>();
        fields.forEach((name, value) -> values.put(name, variables.apply(value)));
        return struct.encode(values);
    }

    private static byte[] fromHex(String digits) {
        if (!digits.matches("(\\p{XDigit}{2})*"))
            throw new IllegalArgumentException("hex= has two hexadecimal digits a byte, not " + digits);
        return HexFormat.of().parseHex(digits);
    }

    int[] cuts() {
        String cut = option("cut", "");
        if (!cut.matches("|[1-9]\\d{0,8}(,[1-9]\\d{0,8})*"))
            throw new IllegalArgumentException("cut= is numbers of bytes such as 8,20, not " + cut);
        return cut.isEmpty() ? new int[0] : Arrays.stream(cut.split(",")).mapToInt(Integer::parseInt).toArray();
    }

    /** Opens files of {@code fd=}: to read, with :w behind the name to write, with :rw for both. */
    static List<Fd> open(List<String> files) throws java.io.IOException {
        List<Fd> opened = new ArrayList<>();
        try {
            for (String file : files)
                opened.add(open(file));
            return opened;
        } catch (java.io.IOException | RuntimeException e) {
            opened.forEach(Fd::close);
            throw e;
        }
    }

    private static Fd open(String file) throws java.io.IOException {
        if (file.endsWith(":rw"))
            return Fd.open(Path.of(file.substring(0, file.length() - 3)), OpenFlag.READ_WRITE, OpenFlag.CREATE);
        if (file.endsWith(":w"))
            return Fd.open(Path.of(file.substring(0, file.length() - 2)), OpenFlag.WRITE, OpenFlag.CREATE);
        return Fd.open(Path.of(file), OpenFlag.READ);
    }

    List<String> files(UnaryOperator<String> variables) {
        return files.stream().map(variables).map(Words::text).toList();
    }

    /** The conditions that a message does not hold, in words. */
    List<String> broken(Event message, UnaryOperator<String> variables) {
        List<String> broken = new ArrayList<>();
        if (message.id() != number("id", message.id(), variables))
            broken.add("id=" + options.get("id"));
        if (message.pid() != number("pid", message.pid(), variables))
            broken.add("pid=" + options.get("pid"));
        String fd = option("fd", "");
        if (!fd.isEmpty() && fd.equals("yes") == message.descriptors().isEmpty())
            broken.add("fd=" + fd);
        if ((options.containsKey("data") || options.containsKey("hex"))
                && !Arrays.equals(payload(variables), message.payload()))
            broken.add("the payload " + Words.quoted(payload(variables)));
        fields.forEach((name, value) -> {
            if (struct != null && !struct.has(message.payload(), name, variables.apply(value)))
                broken.add("struct." + name + "=" + value);
        });
        if (struct != null && !struct.sizeRemark(message.payload().length).isEmpty())
            broken.add(struct.sizeRemark(message.payload().length));
        return broken;
    }

    /** Refuses what no message has a part of, before there is one. */
    static String checkedPart(String what, ProtocolDescription protocol) {
        if (what.isEmpty() || protocol == ProtocolDescription.NONE
                && !what.matches("(header[.])?(id|pid)|data|hex|header[.](type|length)"))
            throw new IllegalArgumentException(
                    "header.type, header.id, header.pid, header.length, data, hex, or a field"
                            + " that --describe names, not " + what);
        return what;
    }

    /** What {@code let} takes from a message. */
    static String part(Event message, String what, ProtocolDescription protocol) {
        byte[] payload = message.payload();
        return switch (what) {
            case "header.type" -> Integer.toUnsignedString(message.type());
            case "id", "header.id" -> Integer.toUnsignedString(message.id());
            case "pid", "header.pid" -> Integer.toUnsignedString(message.pid());
            case "header.length" -> String.valueOf(message.bytes().length);
            case "data" -> new String(payload, StandardCharsets.UTF_8);
            case "hex" -> HexFormat.of().formatHex(payload);
            default -> protocol.payload(message)
                    .orElseThrow(() -> new IllegalArgumentException(
                            "no struct is described for type " + Integer.toUnsignedString(message.type())))
                    .value(payload, what.replaceFirst("^struct\\.", ""));
        };
    }
}
