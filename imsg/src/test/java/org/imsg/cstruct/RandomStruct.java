package org.imsg.cstruct;

import static java.lang.constant.ConstantDescs.CD_Object;

import java.lang.classfile.Annotation;
import java.lang.classfile.AnnotationElement;
import java.lang.classfile.ClassFile;
import java.lang.classfile.TypeKind;
import java.lang.classfile.attribute.RecordAttribute;
import java.lang.classfile.attribute.RecordComponentInfo;
import java.lang.classfile.attribute.RuntimeVisibleAnnotationsAttribute;
import java.lang.constant.ClassDesc;
import java.lang.constant.ConstantDescs;
import java.lang.constant.MethodTypeDesc;
import java.lang.invoke.MethodHandles;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/**
 * A struct made up at random: its declaration in C, the same as a Java record, and a naive idea of its bytes, all made from
 * one list of fields and not from each other.
 */
final class RandomStruct {
    /** A number: its declaration, the annotation, the Java type, bytes, and whether it has a sign. */
    private record Number(String c, String annotation, Class<?> java, int size, boolean signed) {
        static final List<Number> ALL = List.of(new Number("uint8_t", "U8", int.class, 1, false),
                new Number("int8_t", "I8", byte.class, 1, true), new Number("uint16_t", "U16", int.class, 2, false),
                new Number("int16_t", "I16", short.class, 2, true), new Number("uint32_t", "U32", long.class, 4, false),
                new Number("int", "CInt", int.class, 4, true), new Number("int64_t", "I64", long.class, 8, true),
                new Number("uint64_t", "U64", long.class, 8, false), new Number("long", "CLong", long.class, 0, true),
                new Number("size_t", "SizeT", long.class, 0, false),
                new Number("double", null, double.class, 8, true), new Number("float", null, float.class, 4, true),
                new Number("_Bool", null, boolean.class, 1, false));

        int size(CAbi abi) {
            return size == 0 ? abi.wordSize() : size;
        }
    }

    /** One field: a number, text, bytes or struct, and how many of it; 0 for one that is no array. */
    private record Field(String name, Number number, int text, int raw, RandomStruct struct, int count,
            boolean network) {
        int size(CAbi abi) {
            return number != null
                    ? number.size(abi)
                    : struct != null ? struct.size(abi) : text + raw;
        }

        int alignment(CAbi abi) {
            return number != null
                    ? Math.min(number.size(abi), abi.maxAlignment())
                    : struct != null ? struct.alignment(abi) : 1;
        }

        String c() {
            String type = number != null
                    ? number.c
                    : struct != null
                            ? "struct " + struct.name
                            : raw > 0
                                    ? "uint8_t"
                                    : "char";
            String array = count > 0 ? "[" + count + "]" : "";
            return type + " " + name + array + (text + raw > 0 ? "[" + (text + raw) + "]" : "") + ";";
        }

        Class<?> element() {
            return number != null ? number.java : struct != null ? struct.type : raw > 0 ? byte[].class : String.class;
        }

        Class<?> java() {
            return count > 0 ? element().arrayType() : element();
        }
    }

    private final String name;
    private final boolean packed;
    private final List<Field> fields = new ArrayList<>();
    private final Class<? extends Record> type;

    RandomStruct(Random random, String name, List<RandomStruct> earlier) throws IllegalAccessException {
        this.name = name;
        this.packed = random.nextInt(5) == 0;
        int count = 1 + random.nextInt(9);
        for (int i = 0; i < count; i++)
            fields.add(field(random, "m" + i, earlier));
        this.type = define();
    }

    private static Field field(Random random, String name, List<RandomStruct> earlier) {
        int count = random.nextInt(3) == 0 ? 1 + random.nextInt(4) : 0;
        int size = 1 + random.nextInt(random.nextInt(4) == 0 ? 70 : 9);
        return switch (random.nextInt(10)) {
            case 0 -> new Field(name, null, size, 0, null, count, false);
            case 1 -> new Field(name, null, 0, size, null, count, false);
            case 2, 3 -> earlier.isEmpty()
                    ? new Field(name, null, size, 0, null, count, false)
                    : new Field(name, null, 0, 0, earlier.get(random.nextInt(earlier.size())), count, false);
            default -> new Field(name, Number.ALL.get(random.nextInt(Number.ALL.size())), 0, 0, null, count,
                    random.nextInt(4) == 0);
        };
    }

    Class<? extends Record> type() {
        return type;
    }

    String declaration() {
        StringBuilder c = new StringBuilder("struct " + name + " {\n");
        fields.forEach(field -> c.append('\t').append(field.c()).append('\n'));
        return c.append(packed ? "} __attribute__((packed));\n" : "};\n").toString();
    }

    int alignment(CAbi abi) {
        return packed ? 1 : fields.stream().mapToInt(field -> field.alignment(abi)).max().orElseThrow();
    }

    int size(CAbi abi) {
        int end = 0;
        for (Field field : fields)
            end = offset(field, end, abi) + Math.max(1, field.count) * field.size(abi);
        while (end % alignment(abi) != 0)
            end++;
        return end;
    }

    private int offset(Field field, int end, CAbi abi) {
        int offset = end;
        while (!packed && offset % field.alignment(abi) != 0)
            offset++;
        return offset;
    }

    /** Makes a record of random values and writes its bytes at the buffer's position, leaving padding as it is. */
    Object write(Random random, ByteBuffer out, CAbi abi) throws ReflectiveOperationException {
        int start = out.position();
        Object[] values = new Object[fields.size()];
        Class<?>[] types = new Class<?>[fields.size()];
        int end = 0;
        for (int i = 0; i < values.length; i++) {
            Field field = fields.get(i);
            int offset = offset(field, end, abi);
            out.position(start + offset);
            types[i] = field.java();
            if (field.count == 0) {
                values[i] = value(random, field, out, abi);
            } else {
                values[i] = java.lang.reflect.Array.newInstance(field.element(), field.count);
                for (int k = 0; k < field.count; k++)
                    java.lang.reflect.Array.set(values[i], k, value(random, field, out, abi));
            }
            end = offset + Math.max(1, field.count) * field.size(abi);
        }
        out.position(start + size(abi));
        return type.getDeclaredConstructor(types).newInstance(values);
    }

    private static Object value(Random random, Field field, ByteBuffer out, CAbi abi)
            throws ReflectiveOperationException {
        if (field.struct != null)
            return field.struct.write(random, out, abi);
        if (field.number != null)
            return number(random, field.number, out.order(field.network ? ByteOrder.BIG_ENDIAN : abi.order()), abi);
        byte[] bytes = new byte[field.text + field.raw];
        random.nextBytes(bytes);
        String text = null;
        if (field.text > 0) {
            int length = random.nextInt(field.text);
            for (int i = 0; i < bytes.length; i++)
                bytes[i] = (byte) (i < length ? 'a' + (bytes[i] & 15) : 0);
            text = new String(bytes, 0, length, StandardCharsets.US_ASCII);
        }
        out.put(bytes);
        return text == null ? bytes : text;
    }

    private static Object number(Random random, Number number, ByteBuffer out, CAbi abi) {
        long bits = random.nextLong();
        if (number.java == double.class) {
            out.putDouble(bits);
            return (double) bits;
        }
        if (number.java == float.class) {
            out.putFloat(bits);
            return (float) bits;
        }
        if (number.java == boolean.class) {
            out.put((byte) (bits & 1));
            return (bits & 1) == 1;
        }
        int unused = Long.SIZE - number.size(abi) * Byte.SIZE;
        long value = number.signed ? bits << unused >> unused : bits << unused >>> unused;
        switch (number.size(abi)) {
            case 1 -> out.put((byte) value);
            case 2 -> out.putShort((short) value);
            case 4 -> out.putInt((int) value);
            default -> out.putLong(value);
        }
        if (number.java == byte.class)
            return (byte) value;
        if (number.java == short.class)
            return (short) value;
        if (number.java == int.class)
            return (int) value;
        return value;
    }

    private Class<? extends Record> define() throws IllegalAccessException {
        ClassDesc self = ClassDesc.of(RandomStruct.class.getPackageName(), "Random_" + name);
        byte[] classFile = ClassFile.of().build(self, record -> {
            record.withSuperclass(Record.class.describeConstable().orElseThrow());
            record.withFlags(ClassFile.ACC_FINAL | ClassFile.ACC_SUPER);
            List<Annotation> onType = new ArrayList<>(List.of(annotation("CName", AnnotationElement.ofString("value",
                    name))));
            if (packed)
                onType.add(annotation("Packed"));
            record.with(RuntimeVisibleAnnotationsAttribute.of(onType));
            record.with(RecordAttribute.of(fields.stream().map(field -> RecordComponentInfo.of(field.name,
                    descriptor(field), RuntimeVisibleAnnotationsAttribute.of(annotations(field)))).toList()));
            for (Field field : fields) {
                record.withField(field.name, descriptor(field), ClassFile.ACC_PRIVATE | ClassFile.ACC_FINAL);
                record.withMethodBody(field.name, MethodTypeDesc.of(descriptor(field)), ClassFile.ACC_PUBLIC,
                        code -> code.aload(0).getfield(self, field.name, descriptor(field))
                                .return_(TypeKind.from(descriptor(field))));
            }
            record.withMethodBody(ConstantDescs.INIT_NAME,
                    MethodTypeDesc.of(ConstantDescs.CD_void,
                            fields.stream().map(RandomStruct::descriptor).toList()),
                    0, code -> {
                        code.aload(0).invokespecial(Record.class.describeConstable().orElseThrow(),
                                ConstantDescs.INIT_NAME, ConstantDescs.MTD_void);
                        for (int i = 0; i < fields.size(); i++) {
                            ClassDesc type = descriptor(fields.get(i));
                            code.aload(0).loadLocal(TypeKind.from(type), code.parameterSlot(i)).putfield(self,
                                    fields.get(i).name, type);
                        }
                        code.return_();
                    });
            for (String method : List.of("toString", "hashCode", "equals"))
                unused(record, method);
        });
        return MethodHandles.lookup().defineClass(classFile).asSubclass(Record.class);
    }

    /** Record's abstract methods, which these tests do not call. */
    private static void unused(java.lang.classfile.ClassBuilder record, String method) {
        switch (method) {
            case "toString" -> record.withMethodBody(method, MethodTypeDesc.of(ConstantDescs.CD_String),
                    ClassFile.ACC_PUBLIC, code -> code.loadConstant("a random struct").areturn());
            case "hashCode" -> record.withMethodBody(method, MethodTypeDesc.of(ConstantDescs.CD_int),
                    ClassFile.ACC_PUBLIC, code -> code.iconst_0().ireturn());
            default -> record.withMethodBody(method, MethodTypeDesc.of(ConstantDescs.CD_boolean, CD_Object),
                    ClassFile.ACC_PUBLIC, code -> code.iconst_0().ireturn());
        }
    }

    private static List<Annotation> annotations(Field field) {
        List<Annotation> annotations = new ArrayList<>();
        if (field.count > 0)
            annotations.add(annotation("ArrayOf", AnnotationElement.ofInt("value", field.count)));
        if (field.text > 0)
            annotations.add(annotation("CString", AnnotationElement.ofInt("value", field.text)));
        if (field.raw > 0)
            annotations.add(annotation("Bytes", AnnotationElement.ofInt("value", field.raw)));
        if (field.network)
            annotations.add(annotation("NetworkOrder"));
        if (field.number != null && field.number.annotation != null)
            annotations.add(annotation(field.number.annotation));
        return annotations;
    }

    private static Annotation annotation(String name, AnnotationElement... elements) {
        return Annotation.of(ClassDesc.of(RandomStruct.class.getPackageName(), name), elements);
    }

    private static ClassDesc descriptor(Field field) {
        return field.java().describeConstable().orElseThrow();
    }
}
