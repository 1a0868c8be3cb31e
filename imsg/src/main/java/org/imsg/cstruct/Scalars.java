package org.imsg.cstruct;

import java.lang.reflect.AnnotatedElement;
import java.lang.annotation.Annotation;

import org.imsg.cstruct.CLayout.Kind;
import org.imsg.cstruct.CLayout.Scalar;
import org.jspecify.annotations.Nullable;

/** The numbers that components stand for, and the Java types that hold them. */
final class Scalars {
    private Scalars() {}

    /** Returns the C type that a component asks for by annotation, or the one its Java type is by itself. */
    static Scalar of(AnnotatedElement component, Class<?> javaType, CAbi abi) {
        String name = annotated(component);
        Scalar scalar = Scalar.of(name == null ? inferred(javaType) : name, abi);
        if (component.isAnnotationPresent(NetworkOrder.class))
            scalar = scalar.inNetworkOrder();
        if (!holds(javaType, scalar))
            throw new IllegalArgumentException(scalar.name() + ", " + scalar.size() + " bytes, does not fit a Java "
                    + javaType.getTypeName());
        return scalar;
    }

    /** Returns whether there is an annotation that makes a number of a component. */
    static boolean asked(AnnotatedElement component) {
        return annotated(component) != null || component.isAnnotationPresent(NetworkOrder.class);
    }

    private static @Nullable String annotated(AnnotatedElement component) {
        String found = null;
        for (Annotation annotation : component.getAnnotations()) {
            CType type = annotation instanceof CType direct
                    ? direct
                    : annotation.annotationType().getAnnotation(CType.class);
            if (type != null && found != null)
                throw new IllegalArgumentException("both " + found + " and " + type.value());
            if (type != null)
                found = type.value();
        }
        return found;
    }

    private static String inferred(Class<?> javaType) {
        return switch (javaType.getName()) {
            case "byte" -> "int8_t";
            case "short" -> "int16_t";
            case "char" -> "uint16_t";
            case "int" -> "int32_t";
            case "long" -> "int64_t";
            case "boolean" -> "_Bool";
            case "float", "double" -> javaType.getName();
            default -> throw new IllegalArgumentException("a Java " + javaType.getTypeName()
                    + " is no C type: numbers, boolean, String, byte[], records and arrays of these are");
        };
    }

    /** An unsigned number may be in a signed Java type of its own width, as bits; otherwise every value must fit. */
    private static boolean holds(Class<?> javaType, Scalar scalar) {
        if (javaType == float.class || javaType == double.class)
            return scalar.kind() == Kind.FLOATING && width(javaType) == scalar.size();
        if (scalar.kind() == Kind.FLOATING)
            return false;
        if (javaType == boolean.class)
            return true;
        if (javaType == char.class)
            return scalar.kind() == Kind.UNSIGNED && scalar.size() <= Character.BYTES;
        return javaType.isPrimitive() && scalar.size() <= width(javaType);
    }

    /** Returns whether a Java type has values that the C type has not, so that a value must be checked before it is written. */
    static boolean narrows(Class<?> javaType, Scalar scalar) {
        if (javaType == boolean.class)
            return false;
        return scalar.kind() == Kind.BOOLEAN || scalar.size() < width(javaType);
    }

    static int width(Class<?> javaType) {
        return switch (javaType.getName()) {
            case "boolean", "byte" -> Byte.BYTES;
            case "short", "char" -> Short.BYTES;
            case "int", "float" -> Integer.BYTES;
            default -> Long.BYTES;
        };
    }
}
