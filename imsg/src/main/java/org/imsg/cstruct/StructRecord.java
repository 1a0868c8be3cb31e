package org.imsg.cstruct;

import java.lang.reflect.RecordComponent;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Locale;

import org.imsg.cstruct.CLayout.Array;
import org.imsg.cstruct.CLayout.Member;
import org.imsg.cstruct.CLayout.Raw;
import org.imsg.cstruct.CLayout.Struct;
import org.imsg.cstruct.CLayout.Text;
import org.imsg.cstruct.CLayout.Type;

/**
 * A record and the layout of the struct it describes.
 *
 * @param parts one for each component, in order
 */
record StructRecord(Class<?> type, CLayout layout, List<Part> parts) {
    /**
     * A component and its member.
     *
     * @param nested the record that the component, or an element of it, is; null if it is none
     */
    record Part(RecordComponent component, Member member, StructRecord nested) {}

    static StructRecord of(Class<?> type, CAbi abi) {
        return new Builder(abi, new ArrayDeque<>()).build(type);
    }

    /** What a component is in C, before it has an offset. */
    private record Shape(Type type, StructRecord nested) {}

    private record Builder(CAbi abi, Deque<Class<?>> enclosing) {
        StructRecord build(Class<?> type) {
            RecordComponent[] components = type.getRecordComponents();
            if (components == null)
                throw new IllegalArgumentException(type.getName() + " is no record");
            if (components.length == 0)
                throw new IllegalArgumentException(type.getName() + " has no components: C has no empty structs");
            if (enclosing.contains(type))
                throw new IllegalArgumentException(type.getName() + " contains itself");
            enclosing.push(type);
            try {
                return place(type, components);
            } finally {
                enclosing.pop();
            }
        }

        private StructRecord place(Class<?> type, RecordComponent[] components) {
            boolean packed = type.isAnnotationPresent(Packed.class);
            List<Part> parts = new ArrayList<>();
            int end = 0;
            int alignment = alignment(type.getAnnotation(Align.class), 1);
            for (RecordComponent component : components) {
                try {
                    Shape shape = shape(component);
                    if (!parts.isEmpty() && parts.getLast().member().type().size() == 0)
                        throw new IllegalArgumentException("a flexible array can only be the last member");
                    int aligned = alignment(component.getAnnotation(Align.class), packed ? 1 : shape.type.alignment());
                    Member member = new Member(name(component), shape.type, offset(component, end, aligned));
                    parts.add(new Part(component, member, shape.nested));
                    end = member.end();
                    alignment = Math.max(alignment, aligned);
                } catch (IllegalArgumentException | ArithmeticException e) {
                    throw new IllegalArgumentException(
                            "component " + component.getName() + " of " + type.getName() + ": " + e.getMessage(), e);
                }
            }
            List<Member> members = parts.stream().map(Part::member).toList();
            return new StructRecord(type,
                    new CLayout(name(type), members, size(type, end, alignment), alignment, packed),
                    List.copyOf(parts));
        }

        private Shape shape(RecordComponent component) {
            Class<?> type = component.getType();
            if (component.isAnnotationPresent(FlexibleArray.class))
                return flexible(component, type);
            ArrayOf array = component.getAnnotation(ArrayOf.class);
            if (array == null)
                return element(component, type);
            if (!type.isArray())
                throw new IllegalArgumentException("@ArrayOf on a " + type.getTypeName() + ", which is no array");
            Shape element = element(component, type.componentType());
            return new Shape(new Array(element.type, atLeastOne("@ArrayOf", array.value())), element.nested);
        }

        private Shape flexible(RecordComponent component, Class<?> type) {
            if (component.isAnnotationPresent(ArrayOf.class))
                throw new IllegalArgumentException("both @FlexibleArray and @ArrayOf");
            if (type == String.class && !component.isAnnotationPresent(CString.class))
                return new Shape(new Text(0, false), null);
            if (type == byte[].class && !Scalars.asked(component))
                return new Shape(new Raw(0), null);
            if (!type.isArray() || type == byte[].class && component.isAnnotationPresent(Bytes.class))
                throw new IllegalArgumentException("@FlexibleArray on a " + type.getTypeName() + ", which is no array");
            Shape element = element(component, type.componentType());
            return new Shape(new Array(element.type, 0), element.nested);
        }

        private Shape element(RecordComponent component, Class<?> type) {
            CString string = component.getAnnotation(CString.class);
            Bytes bytes = component.getAnnotation(Bytes.class);
            boolean isNumber = Scalars.asked(component);
            if (string != null && bytes == null && !isNumber && type == String.class)
                return new Shape(new Text(atLeastOne("@CString", string.value()), string.terminated()), null);
            if (bytes != null && string == null && !isNumber && type == byte[].class)
                return new Shape(new Raw(atLeastOne("@Bytes", bytes.value())), null);
            if (string != null || bytes != null)
                throw new IllegalArgumentException(
                        "@CString is for a String, @Bytes for a byte[], and neither goes with another C type");
            if (type.isRecord() && !isNumber) {
                StructRecord nested = build(type);
                if (nested.layout.flexible())
                    throw new IllegalArgumentException(nested.layout.name() + " ends in a flexible array");
                return new Shape(new Struct(nested.layout), nested);
            }
            if (type == String.class)
                throw new IllegalArgumentException("a String needs @CString with the size of its char array");
            if (type.isArray())
                throw new IllegalArgumentException("an array needs @ArrayOf, @Bytes or @FlexibleArray");
            return new Shape(Scalars.of(component, type, abi), null);
        }

        private static int offset(RecordComponent component, int end, int alignment) {
            At at = component.getAnnotation(At.class);
            if (at == null)
                return roundUp(end, alignment);
            if (at.value() < end)
                throw new IllegalArgumentException(
                        "offset " + at.value() + " is inside the member before it, which ends at " + end);
            if (at.value() % alignment != 0)
                throw new IllegalArgumentException("offset " + at.value() + " is not aligned to " + alignment);
            return at.value();
        }

        private static int size(Class<?> type, int end, int alignment) {
            Size size = type.getAnnotation(Size.class);
            if (size == null)
                return roundUp(end, alignment);
            if (size.value() < end)
                throw new IllegalArgumentException(type.getName() + ": the size " + size.value()
                        + " is less than the " + end + " bytes of its members");
            return size.value();
        }

        private static int alignment(Align align, int natural) {
            if (align == null)
                return natural;
            if (Integer.bitCount(align.value()) != 1 || align.value() < 1)
                throw new IllegalArgumentException("alignment " + align.value() + " is no power of two");
            return Math.max(align.value(), natural);
        }

        private static int atLeastOne(String what, int count) {
            if (count < 1)
                throw new IllegalArgumentException(what + "(" + count + "): 1 or more");
            return count;
        }

        private static int roundUp(int value, int alignment) {
            return Math.addExact(value, alignment - 1) / alignment * alignment;
        }

        private static String name(RecordComponent component) {
            CName name = component.getAnnotation(CName.class);
            return name == null ? underscored(component.getName()) : name.value();
        }

        private static String name(Class<?> type) {
            CName name = type.getAnnotation(CName.class);
            return name == null ? underscored(type.getSimpleName()) : name.value();
        }

        private static String underscored(String java) {
            return java.replaceAll("(?<=[a-z0-9])(?=[A-Z])", "_").toLowerCase(Locale.ROOT);
        }
    }
}
