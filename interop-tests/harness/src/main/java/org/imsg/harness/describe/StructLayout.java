package org.imsg.harness.describe;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.imsg.cstruct.CLayout;
import org.imsg.cstruct.CLayout.Array;
import org.imsg.cstruct.CLayout.Member;
import org.imsg.cstruct.CLayout.Raw;
import org.imsg.cstruct.CLayout.Scalar;
import org.imsg.cstruct.CLayout.Struct;
import org.imsg.cstruct.CLayout.Text;
import org.imsg.cstruct.CLayout.Type;

/** A C struct from a description: reads payloads by its layout, and makes them. Immutable. */
public final class StructLayout {
    /** With what the name of a member begins that has none in C: its members are its struct's. */
    static final String NAMELESS = "(at line ";

    private final CLayout layout;
    /** The values of enums by their names, by the enum. */
    private final Map<String, Map<String, Long>> enums;

    StructLayout(CLayout layout, Map<String, Map<String, Long>> enums) {
        this.layout = layout;
        this.enums = enums;
    }

    /**
     * A value in a payload.
     *
     * @param offset where, in bytes from the payload's start
     * @param name the field's name; of a field in a nested struct or array the whole way to it, such as {@code
     *     addr[2].port}
     * @param text the value in words
     */
    public record Value(int offset, String name, String text) {}

    /** {@return the struct's name} */
    public String name() {
        return layout.name();
    }

    /** {@return its size in bytes, tail padding included; a flexible last field counts nothing} */
    public int size() {
        return layout.size();
    }

    /** {@return where its fields are, the holes too; prints as pahole does} */
    public CLayout layout() {
        return layout;
    }

    /**
     * Reads a payload. Members that are not wholly there are left out.
     *
     * @param payload the bytes
     * @return the values, in the order of the description
     */
    public List<Value> values(byte[] payload) {
        ByteBuffer bytes = ByteBuffer.wrap(payload);
        List<Value> values = new ArrayList<>();
        for (FieldPlace place : places(payload.length))
            if (place.offset() + place.width() <= payload.length)
                values.add(new Value(place.offset(), place.name(), text(bytes, place)));
        return values;
    }

    private String text(ByteBuffer bytes, FieldPlace place) {
        String number = FieldText.format(bytes.slice(place.offset(), place.width()), place);
        return constants(place).entrySet().stream().filter(one -> one.getValue().toString().equals(number))
                .map(Map.Entry::getKey).findFirst().orElse(number);
    }

    private Map<String, Long> constants(FieldPlace place) {
        return place.type() instanceof Scalar scalar ? enums.getOrDefault(scalar.name(), Map.of()) : Map.of();
    }

    /**
     * A payload as JSON; members that are not wholly there are left out.
     *
     * @param payload the bytes
     * @return an object as {@link Grammar#JSON} has it
     */
    public String json(byte[] payload) {
        return object(layout, 0, ByteBuffer.wrap(payload));
    }

    private static String object(CLayout struct, int base, ByteBuffer payload) {
        return "{" + members(struct, base, payload) + "}";
    }

    private static String members(CLayout struct, int base, ByteBuffer payload) {
        List<String> members = new ArrayList<>();
        for (Member member : struct.members()) {
            int at = base + member.offset();
            boolean nameless = member.name().startsWith(NAMELESS);
            String value = nameless && member.type() instanceof Struct inner
                    ? members(inner.layout(), at, payload)
                    : json(member.type(), at, payload);
            if (!value.isEmpty())
                members.add(nameless ? value : JsonObject.quote(member.name()) + ":" + value);
        }
        return String.join(",", members);
    }

    /** Empty if it is not wholly there; of a struct or array, what is there. */
    private static String json(Type type, int at, ByteBuffer payload) {
        int left = payload.capacity() - at;
        switch (type) {
            case Array array -> {
                int width = array.element().size();
                int count = array.count() == 0 ? Math.max(0, left) / width : array.count();
                if (left < 0 || left == 0 && count > 0)
                    return "";
                List<String> elements = new ArrayList<>();
                for (int i = 0; i < count && at + i * width < payload.capacity(); i++)
                    elements.add(json(array.element(), at + i * width, payload));
                elements.removeIf(String::isEmpty);
                return "[" + String.join(",", elements) + "]";
            }
            case Struct struct when struct != CTypes.IPV4 && struct != CTypes.IPV6 -> {
                return left <= 0 ? "" : object(struct.layout(), at, payload);
            }
            default -> {
                int width = type.size() == 0 ? Math.max(0, left) : type.size();
                return left < width || left < 0
                        ? ""
                        : FieldText.json(payload.slice(at, width), new FieldPlace(at, "", type, width));
            }
        }
    }

    /**
     * Whether a payload has a value in a field; numbers and strings are compared as such, however they are written.
     *
     * @param payload the bytes
     * @param field the field's name
     * @param text the value, as {@link #encode(Map)} takes it
     * @return false if it has another, or ends before it
     * @throws IllegalArgumentException if there is no such field, or it cannot have this value
     */
    public boolean has(byte[] payload, String field, String text) {
        FieldPlace place = place(field, payload.length);
        byte[] wanted = parse(text, place);
        if (place.offset() + place.width() > payload.length)
            return false;
        byte[] there = Arrays.copyOfRange(payload, place.offset(), place.offset() + place.width());
        return place.type() instanceof Text
                ? FieldText.format(ByteBuffer.wrap(there), place).equals(
                        FieldText.format(ByteBuffer.wrap(wanted), place))
                : Arrays.equals(there, wanted);
    }

    /**
     * The value of a field.
     *
     * @param payload the bytes
     * @param field the field's name
     * @return the value as {@link #values(byte[])} has it, a string without its quotes and escapes
     * @throws IllegalArgumentException if there is no such field, or the payload ends before it
     */
    public String value(byte[] payload, String field) {
        FieldPlace place = place(field, payload.length);
        if (place.offset() + place.width() > payload.length)
            throw new IllegalArgumentException(sizeRemark(payload.length) + ": " + field + " is not in it");
        String text = text(ByteBuffer.wrap(payload), place);
        return place.isText() ? Words.text(text) : text;
    }

    private FieldPlace place(String field, int length) {
        List<FieldPlace> places = places(Math.max(length, size()));
        return places.stream().filter(one -> one.name().equals(field)).findFirst()
                .orElseThrow(() -> new IllegalArgumentException("struct " + name() + " has no field " + field
                        + "; it has " + String.join(", ", places.stream().map(FieldPlace::name).toList())));
    }

    private byte[] parse(String text, FieldPlace place) {
        Long constant = constants(place).get(text);
        return FieldText.parse(constant == null ? text : constant.toString(), place);
    }

    /**
     * What is wrong with a payload's size.
     *
     * @param length the payload's, in bytes
     * @return a remark with both sizes; empty if nothing is wrong
     */
    public String sizeRemark(int length) {
        boolean flexible = layout.flexible();
        int least = layout.minimumSize();
        if (length < least || length > least && !flexible)
            return "struct " + name() + " has " + least + (flexible ? " bytes or more" : " bytes")
                    + ", the payload has " + length;
        return "";
    }

    /**
     * Makes a payload; members that are not named are zero.
     *
     * @param values the values by field name, written as {@link #values(byte[])} writes them, a string also without
     *     quotes
     * @return the bytes
     * @throws IllegalArgumentException if there is no such field, or a value does not fit it
     */
    public byte[] encode(Map<String, String> values) {
        byte[] payload = new byte[size()];
        for (Map.Entry<String, String> entry : values.entrySet()) {
            FieldPlace place = place(entry.getKey(), size());
            byte[] bytes = parse(entry.getValue(), place);
            payload = Arrays.copyOf(payload, Math.max(payload.length, place.offset() + bytes.length));
            System.arraycopy(bytes, 0, payload, place.offset(), bytes.length);
        }
        return payload;
    }

    /**
     * Where the numbers of a payload lie.
     *
     * @param length the payload's, in bytes
     * @return offset and width in bytes of each that is wholly there
     */
    public List<int[]> numbers(int length) {
        List<int[]> numbers = new ArrayList<>();
        for (FieldPlace place : places(length))
            if (place.isNumber() && place.offset() + place.width() <= length)
                numbers.add(new int[]{place.offset(), place.width()});
        return numbers;
    }

    /** The places of the values in a payload of a length; of an array, the elements that begin in it. */
    List<FieldPlace> places(int length) {
        List<FieldPlace> places = new ArrayList<>();
        collect(layout, 0, "", length, places);
        return places;
    }

    private static void collect(CLayout struct, int base, String way, int length, List<FieldPlace> places) {
        for (Member member : struct.members())
            collect(member.type(), base + member.offset(),
                    way + (member.name().startsWith(NAMELESS) ? "" : member.name()), length, places);
    }

    private static void collect(Type type, int at, String named, int length, List<FieldPlace> places) {
        switch (type) {
            case Array array -> {
                int width = array.element().size();
                int count = array.count() == 0 ? Math.max(0, length - at) / width : array.count();
                for (int i = 0; i < count && at + i * width < length; i++)
                    collect(array.element(), at + i * width, named + "[" + i + "]", length, places);
            }
            case Struct struct when struct != CTypes.IPV4 && struct != CTypes.IPV6 ->
                collect(struct.layout(), at, named.isEmpty() || named.endsWith(".") ? named : named + ".", length,
                        places);
            case Text _,Raw _ when type.size() == 0 ->
                places.add(new FieldPlace(at, named, type, Math.max(0, length - at)));
            default -> places.add(new FieldPlace(at, named, type, type.size()));
        }
    }

    @Override
    public String toString() {
        return "struct " + name() + ", " + size() + " bytes";
    }
}
