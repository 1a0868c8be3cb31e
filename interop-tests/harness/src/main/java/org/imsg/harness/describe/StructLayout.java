package org.imsg.harness.describe;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.imsg.cstruct.CLayout;
import org.imsg.cstruct.CLayout.Array;
import org.imsg.cstruct.CLayout.Member;
import org.imsg.cstruct.CLayout.Raw;
import org.imsg.cstruct.CLayout.Struct;
import org.imsg.cstruct.CLayout.Text;
import org.imsg.cstruct.CLayout.Type;

/** A C struct from a description: reads payloads by its layout, and makes them. Immutable. */
public final class StructLayout {
    private final CLayout layout;

    StructLayout(CLayout layout) {
        this.layout = layout;
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
                values.add(new Value(place.offset(), place.name(),
                        FieldText.format(bytes.slice(place.offset(), place.width()), place)));
        return values;
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
     * @param values the values by field name, written as {@link #values(byte[])} writes them
     * @return the bytes
     * @throws IllegalArgumentException if there is no such field, or a value does not fit it
     */
    public byte[] encode(Map<String, String> values) {
        Map<String, FieldPlace> byName = new LinkedHashMap<>();
        for (FieldPlace place : places(size()))
            byName.put(place.name(), place);
        byte[] payload = new byte[size()];
        for (Map.Entry<String, String> entry : values.entrySet()) {
            FieldPlace place = byName.get(entry.getKey());
            if (place == null)
                throw new IllegalArgumentException("struct " + name() + " has no field " + entry.getKey() + "; it has "
                        + String.join(", ", byName.keySet()));
            byte[] bytes = FieldText.parse(entry.getValue(), place);
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

    /** The places of all values in a payload of a length, which matters to a flexible field only. */
    List<FieldPlace> places(int length) {
        List<FieldPlace> places = new ArrayList<>();
        collect(layout, 0, "", length, places);
        return places;
    }

    private static void collect(CLayout struct, int base, String way, int length, List<FieldPlace> places) {
        for (Member member : struct.members())
            collect(member.type(), base + member.offset(), way + member.name(), length, places);
    }

    private static void collect(Type type, int at, String named, int length, List<FieldPlace> places) {
        switch (type) {
            case Array array -> {
                int width = array.element().size();
                int count = array.count() == 0 ? Math.max(0, length - at) / width : array.count();
                for (int i = 0; i < count; i++)
                    collect(array.element(), at + i * width, named + "[" + i + "]", length, places);
            }
            case Struct struct when struct != CTypes.IPV4 && struct != CTypes.IPV6 ->
                collect(struct.layout(), at, named + ".", length, places);
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
