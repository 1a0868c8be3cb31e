package org.imsg.harness.describe;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Where the fields of a C struct lie, from a description: reads payloads by it, and makes them. Immutable. */
public final class StructLayout {
    private final String name;
    private final List<Field> fields;
    private final int size;
    private final int alignment;

    StructLayout(String name, List<Field> fields, int size, int alignment) {
        this.name = name;
        this.fields = List.copyOf(fields);
        this.size = size;
        this.alignment = alignment;
    }

    /** A field; of a flexible one, which takes what is left, the count is 0. */
    record Field(String name, FieldType type, int offset, int count, boolean array) {
        boolean flexible() {
            return array && count == 0;
        }

        boolean isString() {
            return array && type.kind() == FieldType.Kind.CHARACTER;
        }

        boolean isBytes() {
            return array && type.kind() == FieldType.Kind.BYTE;
        }
    }

    /**
     * A value in a payload.
     *
     * @param offset
     *            where, in bytes from the payload's start
     * @param name
     *            the field's name; of a field in a nested struct or array the whole way to it, such as {@code addr[2].port}
     * @param text
     *            the value in words
     */
    public record Value(int offset, String name, String text) {}

    /** A place for one value, or for the string or bytes of a whole array. */
    record Place(int offset, String name, FieldType type, int count, boolean whole, boolean flexible) {}

    /** {@return the struct's name} */
    public String name() {
        return name;
    }

    /** {@return its size in bytes, tail padding included; a flexible last field counts nothing} */
    public int size() {
        return size;
    }

    /** {@return what its offset in another struct is a multiple of} */
    public int alignment() {
        return alignment;
    }

    /**
     * Reads a payload. What is not wholly there is left out.
     *
     * @param payload
     *            the bytes
     * @return the values, in the order of the description
     */
    public List<Value> values(byte[] payload) {
        ByteBuffer bytes = ByteBuffer.wrap(payload).order(ByteOrder.nativeOrder());
        List<Value> values = new ArrayList<>();
        for (Place place : places(payload.length)) {
            int width = place.type.size() * place.count;
            if (place.offset + width <= payload.length)
                values.add(new Value(place.offset, place.name,
                        FieldText.format(bytes.slice(place.offset, width).order(bytes.order()), place)));
        }
        return values;
    }

    /**
     * What is wrong with a payload's size.
     *
     * @param length
     *            the payload's, in bytes
     * @return a remark with both sizes; empty if nothing is wrong
     */
    public String sizeRemark(int length) {
        boolean flexible = !fields.isEmpty() && fields.getLast().flexible();
        int least = flexible ? fields.getLast().offset : size;
        if (length < least || length > size && !flexible)
            return "struct " + name + " has " + least + (flexible ? " bytes or more" : " bytes") + ", the payload has "
                    + length;
        return "";
    }

    /**
     * Makes a payload; what is not named is zero.
     *
     * @param values
     *            the values by field name, written as {@link #values} writes them
     * @return the bytes
     * @throws IllegalArgumentException
     *             if there is no such field, or a value does not fit it
     */
    public byte[] encode(Map<String, String> values) {
        Map<String, Place> byName = new LinkedHashMap<>();
        for (Place place : places(size))
            byName.put(place.name, place);
        byte[] payload = new byte[size];
        for (Map.Entry<String, String> entry : values.entrySet()) {
            Place place = byName.get(entry.getKey());
            if (place == null)
                throw new IllegalArgumentException("struct " + name + " has no field " + entry.getKey() + "; it has "
                        + String.join(", ", byName.keySet()));
            byte[] bytes = FieldText.parse(entry.getValue(), place);
            payload = Arrays.copyOf(payload, Math.max(payload.length, place.offset + bytes.length));
            System.arraycopy(bytes, 0, payload, place.offset, bytes.length);
        }
        return payload;
    }

    /**
     * Where the numbers of a payload lie.
     *
     * @param length
     *            the payload's, in bytes
     * @return offset and width in bytes of each that is wholly there
     */
    public List<int[]> numbers(int length) {
        List<int[]> numbers = new ArrayList<>();
        for (Place place : places(length))
            if (!place.whole && place.type.size() <= 8 && place.offset + place.type.size() <= length)
                numbers.add(new int[]{place.offset, place.type.size()});
        return numbers;
    }

    /** The places of all values in a payload of a length, which matters to a flexible field only. */
    List<Place> places(int length) {
        List<Place> places = new ArrayList<>();
        collect(0, "", length, places);
        return places;
    }

    private void collect(int base, String way, int length, List<Place> places) {
        for (Field field : fields) {
            int at = base + field.offset;
            int width = field.type.size();
            int count = field.flexible() ? Math.max(0, length - at) / width : field.count;
            if (field.isString() || field.isBytes()) {
                places.add(new Place(at, way + field.name, field.type, count, true, field.flexible()));
                continue;
            }
            for (int i = 0; i < count; i++) {
                String named = way + field.name + (field.array ? "[" + i + "]" : "");
                if (field.type.struct() != null)
                    field.type.struct().collect(at + i * width, named + ".", length, places);
                else
                    places.add(new Place(at + i * width, named, field.type, 1, false, false));
            }
        }
    }

    @Override
    public String toString() {
        return "struct " + name + ", " + size + " bytes";
    }
}
