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
import org.jspecify.annotations.Nullable;

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
    record Part(RecordComponent component, Member member, @Nullable StructRecord nested) {}

    static StructRecord of(Class<?> type, CAbi abi) {
        return new Builder(abi, new ArrayDeque<>()).build(type);
    }

    /** The type of a component in C, before it has an offset. */
    private record Shape(Type type, @Nullable StructRecord nested) {}

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
            CLayoutBuilder layout = new CLayoutBuilder(name(type)).align(alignment(type.getAnnotation(Align.class)));
            if (type.isAnnotationPresent(Packed.class))
                layout.packed();
            List<Shape> shapes = new ArrayList<>();
            for (RecordComponent component : components) {
                try {
                    Shape shape = shape(component);
                    int raised = alignment(component.getAnnotation(Align.class));
                    At at = component.getAnnotation(At.class);
                    if (at == null)
                        layout.add(name(component), shape.type, raised);
                    else
                        layout.addAt(name(component), shape.type, raised, at.value());
                    shapes.add(shape);
                } catch (IllegalArgumentException | ArithmeticException e) {
                    throw new IllegalArgumentException(
                            "component " + component.getName() + " of " + type.getName() + ": " + e.getMessage(), e);
                }
            }
            Size size = type.getAnnotation(Size.class);
            if (size != null)
                layout.size(size.value());
            try {
                return of(type, components, shapes, layout.build());
            } catch (ArithmeticException e) {
                throw new IllegalArgumentException(type.getName() + " is too large: " + e.getMessage(), e);
            }
        }

        private static StructRecord of(Class<?> type, RecordComponent[] components, List<Shape> shapes,
                CLayout layout) {
            List<Part> parts = new ArrayList<>();
            for (int i = 0; i < components.length; i++)
                parts.add(new Part(components[i], layout.members().get(i), shapes.get(i).nested));
            return new StructRecord(type, layout, List.copyOf(parts));
        }

        private static int alignment(Align align) {
            return align == null ? 1 : align.value();
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
                return new Shape(new Struct(nested.layout), nested);
            }
            if (type == String.class)
                throw new IllegalArgumentException("a String needs @CString with the size of its char array");
            if (type.isArray())
                throw new IllegalArgumentException("an array needs @ArrayOf, @Bytes or @FlexibleArray");
            return new Shape(Scalars.of(component, type, abi), null);
        }

        private static int atLeastOne(String what, int count) {
            if (count < 1)
                throw new IllegalArgumentException(what + "(" + count + "): 1 or more");
            return count;
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
