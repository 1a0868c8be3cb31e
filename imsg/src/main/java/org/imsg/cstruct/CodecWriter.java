package org.imsg.cstruct;

import static java.lang.constant.ConstantDescs.CD_Object;
import static java.lang.constant.ConstantDescs.CD_String;
import static java.lang.constant.ConstantDescs.CD_boolean;
import static java.lang.constant.ConstantDescs.CD_double;
import static java.lang.constant.ConstantDescs.CD_float;
import static java.lang.constant.ConstantDescs.CD_int;
import static java.lang.constant.ConstantDescs.CD_long;
import static java.lang.constant.ConstantDescs.CD_void;
import static org.imsg.cstruct.CodecConstants.ACCESS;
import static org.imsg.cstruct.CodecConstants.SEGMENT;

import java.lang.classfile.CodeBuilder;
import java.lang.classfile.Label;
import java.lang.classfile.TypeKind;
import java.lang.constant.ClassDesc;
import java.lang.constant.MethodTypeDesc;
import java.lang.invoke.MethodHandle;

import org.imsg.cstruct.CLayout.Array;
import org.imsg.cstruct.CLayout.Kind;
import org.imsg.cstruct.CLayout.Raw;
import org.imsg.cstruct.CLayout.Scalar;
import org.imsg.cstruct.CLayout.Struct;
import org.imsg.cstruct.CLayout.Text;
import org.imsg.cstruct.CLayout.Type;
import org.imsg.cstruct.StructRecord.Part;

/**
 * Writes the code of {@code static void writeN(Object value, MemorySegment bytes, long at)}, and of
 * {@code long flexibleBytes(Object value)}.
 */
final class CodecWriter {
    private static final ClassDesc BYTE_ARRAY = byte[].class.describeConstable().orElseThrow();
    private static final ClassDesc OBJECT_ARRAY = Object[].class.describeConstable().orElseThrow();
    private static final int VALUE = 0;
    private static final int BYTES = 1;
    private static final int AT = 2;

    private final CodecConstants constants;
    private final CodeBuilder code;
    private final StructRecord struct;

    CodecWriter(CodecConstants constants, CodeBuilder code, StructRecord struct) {
        this.constants = constants;
        this.code = code;
        this.struct = struct;
    }

    void write() {
        int end = 0;
        for (Part part : struct.parts()) {
            zeros(end, part.member().offset());
            component(part, VALUE);
            if (part.member().type() instanceof Array array)
                array(part, array);
            else
                put(part, part.member().type(), part.component().getType(), () -> address(part.member().offset()));
            end = part.member().end();
        }
        if (!struct.layout().flexible())
            zeros(end, struct.layout().size());
        code.return_();
    }

    void flexibleBytes(int value) {
        Part last = struct.parts().getLast();
        if (!struct.layout().flexible()) {
            code.lconst_0().lreturn();
            return;
        }
        component(last, value);
        if (last.member().type() instanceof Text) {
            code.checkcast(CD_String);
            access("flexibleTextBytes", CD_long, CD_String);
        } else {
            code.checkcast(arrayOf(last.component().getType())).arraylength().i2l()
                    .loadConstant((long) struct.layout().flexibleElementSize()).lmul();
        }
        code.lreturn();
    }

    /** Pushes the value that the accessor of a component gives; null is refused. */
    private void component(Part part, int value) {
        MethodHandle accessor = constants.accessor(struct, part);
        constants.load(code, accessor);
        code.aload(value);
        constants.invoke(code, accessor.type());
        if (!part.component().getType().isPrimitive())
            refuseNull(part);
    }

    private void array(Part part, Array array) {
        Class<?> arrayType = part.component().getType();
        Class<?> elementType = arrayType.componentType();
        int elements = code.allocateLocal(TypeKind.REFERENCE);
        int count = code.allocateLocal(TypeKind.INT);
        int index = code.allocateLocal(TypeKind.INT);
        int cursor = code.allocateLocal(TypeKind.LONG);
        code.checkcast(arrayOf(arrayType)).dup().astore(elements).arraylength();
        if (array.count() != 0)
            exactly(part, array.count());
        code.istore(count).iconst_0().istore(index);
        address(part.member().offset());
        code.lstore(cursor);
        Label next = code.newBoundLabel();
        Label done = code.newLabel();
        code.iload(index).iload(count).if_icmpge(done).aload(elements).iload(index);
        code.arrayLoad(TypeKind.from(elementType));
        if (!elementType.isPrimitive())
            refuseNull(part);
        put(part, array.element(), elementType, () -> code.lload(cursor));
        code.iinc(index, 1).lload(cursor).loadConstant((long) array.element().size()).ladd().lstore(cursor).goto_(next);
        code.labelBinding(done);
    }

    /** Writes the value on the stack. */
    private void put(Part part, Type type, Class<?> javaType, Runnable address) {
        switch (type) {
            case Scalar scalar -> {
                bits(part, scalar, javaType);
                destination(address);
                access("put" + CodecReader.suffix(scalar, false), CD_void, CD_long, SEGMENT, CD_long);
            }
            case Text text when text.size() == 0 -> {
                code.checkcast(CD_String);
                destination(address);
                code.loadConstant(name(part));
                access("putFlexibleText", CD_void, CD_String, SEGMENT, CD_long, CD_String);
            }
            case Text text -> {
                code.checkcast(CD_String);
                destination(address);
                code.loadConstant(text.size()).loadConstant(text.terminated() ? 1 : 0).loadConstant(name(part));
                access("putText", CD_void, CD_String, SEGMENT, CD_long, CD_int, CD_boolean, CD_String);
            }
            case Raw raw -> {
                code.checkcast(BYTE_ARRAY);
                if (raw.size() != 0) {
                    code.dup().arraylength();
                    exactly(part, raw.size());
                    code.pop();
                }
                destination(address);
                access("putBytes", CD_void, BYTE_ARRAY, SEGMENT, CD_long);
            }
            case Struct _ -> {
                destination(address);
                constants.callWrite(code, part.nested());
            }
            case Array _ -> throw new AssertionError(part);
        }
    }

    /** Makes a long of the number on the stack, within the range of its C type. */
    private void bits(Part part, Scalar scalar, Class<?> javaType) {
        if (javaType == float.class) {
            code.invokestatic(Float.class.describeConstable().orElseThrow(), "floatToRawIntBits",
                    MethodTypeDesc.of(CD_int, CD_float)).i2l();
            return;
        }
        if (javaType == double.class) {
            code.invokestatic(Double.class.describeConstable().orElseThrow(), "doubleToRawLongBits",
                    MethodTypeDesc.of(CD_long, CD_double));
            return;
        }
        if (javaType != long.class)
            code.i2l();
        if (Scalars.narrows(javaType, scalar)) {
            int bits = scalar.size() * Byte.SIZE;
            code.loadConstant(scalar.kind() == Kind.SIGNED ? -1L << bits - 1 : 0L);
            code.loadConstant(switch (scalar.kind()) {
                case SIGNED -> (1L << bits - 1) - 1;
                case UNSIGNED -> (1L << bits) - 1;
                default -> 1L;
            }).loadConstant(name(part));
            access("within", CD_long, CD_long, CD_long, CD_long, CD_String);
        }
    }

    private void exactly(Part part, int expected) {
        code.loadConstant(expected).loadConstant(name(part));
        access("exactly", CD_int, CD_int, CD_int, CD_String);
    }

    private void refuseNull(Part part) {
        code.loadConstant(name(part));
        access("present", CD_Object, CD_Object, CD_String);
    }

    private void zeros(int from, int to) {
        if (from < to) {
            code.aload(BYTES);
            address(from);
            code.loadConstant((long) (to - from));
            access("putZeros", CD_void, SEGMENT, CD_long, CD_long);
        }
    }

    private void destination(Runnable address) {
        code.aload(BYTES);
        address.run();
    }

    private void address(int offset) {
        code.lload(AT).loadConstant((long) offset).ladd();
    }

    private static ClassDesc arrayOf(Class<?> arrayType) {
        return arrayType.componentType().isPrimitive() ? arrayType.describeConstable().orElseThrow() : OBJECT_ARRAY;
    }

    private String name(Part part) {
        return struct.layout().name() + "." + part.member().name();
    }

    private void access(String method, ClassDesc result, ClassDesc... parameters) {
        code.invokestatic(ACCESS, method, MethodTypeDesc.of(result, parameters));
    }
}
