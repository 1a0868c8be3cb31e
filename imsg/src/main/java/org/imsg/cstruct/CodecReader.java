package org.imsg.cstruct;

import static java.lang.constant.ConstantDescs.CD_String;
import static java.lang.constant.ConstantDescs.CD_boolean;
import static java.lang.constant.ConstantDescs.CD_double;
import static java.lang.constant.ConstantDescs.CD_float;
import static java.lang.constant.ConstantDescs.CD_int;
import static java.lang.constant.ConstantDescs.CD_long;
import static org.imsg.cstruct.CodecConstants.ACCESS;
import static org.imsg.cstruct.CodecConstants.SEGMENT;

import java.lang.classfile.CodeBuilder;
import java.lang.classfile.Label;
import java.lang.classfile.TypeKind;
import java.lang.constant.ClassDesc;
import java.lang.constant.MethodTypeDesc;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.util.HashMap;
import java.util.Map;

import org.imsg.cstruct.CLayout.Array;
import org.imsg.cstruct.CLayout.Kind;
import org.imsg.cstruct.CLayout.Raw;
import org.imsg.cstruct.CLayout.Scalar;
import org.imsg.cstruct.CLayout.Struct;
import org.imsg.cstruct.CLayout.Text;
import org.imsg.cstruct.CLayout.Type;
import org.imsg.cstruct.StructRecord.Part;

/** Writes the code of {@code static Object readN(MemorySegment bytes, long at, long end)}. */
final class CodecReader {
    private static final int BYTES = 0;
    private static final int AT = 1;
    private static final int END = 3;

    private final CodecConstants constants;
    private final CodeBuilder code;
    private final StructRecord struct;

    CodecReader(CodecConstants constants, CodeBuilder code, StructRecord struct) {
        this.constants = constants;
        this.code = code;
        this.struct = struct;
    }

    void read() {
        // Arrays first: a loop amid the arguments of the constructor would have them on the stack all the while.
        Map<Part, Integer> arrays = new HashMap<>();
        for (Part part : struct.parts()) {
            if (part.member().type() instanceof Array array)
                arrays.put(part, array(part, array));
        }
        MethodHandle constructor = constants.constructor(struct);
        constants.load(code, constructor);
        for (Part part : struct.parts()) {
            if (arrays.containsKey(part))
                code.aload(arrays.get(part));
            else
                value(part, part.member().type(), part.component().getType(), () -> address(part));
        }
        constants.invoke(code, constructor.type());
        code.areturn();
    }

    /** Reads an array and returns the local variable it is in. */
    private int array(Part part, Array array) {
        Class<?> elementType = part.component().getType().componentType();
        int count = code.allocateLocal(TypeKind.INT);
        int result = code.allocateLocal(TypeKind.REFERENCE);
        int index = code.allocateLocal(TypeKind.INT);
        int cursor = code.allocateLocal(TypeKind.LONG);
        if (array.count() == 0) {
            rest(part);
            code.loadConstant((long) array.element().size()).ldiv().l2i();
        } else {
            code.loadConstant(array.count());
        }
        code.istore(count);
        newArray(elementType, count);
        code.astore(result);
        address(part);
        code.lstore(cursor).iconst_0().istore(index);
        Label next = code.newBoundLabel();
        Label done = code.newLabel();
        code.iload(index).iload(count).if_icmpge(done).aload(result).iload(index);
        value(part, array.element(), elementType, () -> code.lload(cursor));
        code.arrayStore(TypeKind.from(elementType)).iinc(index, 1);
        code.lload(cursor).loadConstant((long) array.element().size()).ladd().lstore(cursor).goto_(next);
        code.labelBinding(done);
        return result;
    }

    private void newArray(Class<?> elementType, int count) {
        if (elementType.isPrimitive()) {
            code.iload(count).newarray(TypeKind.from(elementType));
            return;
        }
        MethodHandle constructor = CodecConstants.erased(MethodHandles.arrayConstructor(elementType.arrayType()));
        constants.load(code, constructor);
        code.iload(count);
        constants.invoke(code, constructor.type());
        code.checkcast(Object[].class.describeConstable().orElseThrow());
    }

    private void value(Part part, Type type, Class<?> javaType, Runnable address) {
        if (type instanceof Array)
            throw new AssertionError("arrays of arrays are not described");
        code.aload(BYTES);
        address.run();
        switch (type) {
            case Scalar scalar -> number(scalar, javaType);
            case Text text -> {
                length(part, text.size());
                code.loadConstant(text.terminated() ? 1 : 0).loadConstant(name(part));
                access("getText", CD_String, SEGMENT, CD_long, CD_int, CD_boolean, CD_String);
            }
            case Raw raw -> {
                length(part, raw.size());
                access("getBytes", byte[].class.describeConstable().orElseThrow(), SEGMENT, CD_long, CD_int);
            }
            case Struct _ -> {
                code.lconst_0(); // no flexible array in there
                constants.callRead(code, part.nested());
            }
            case Array _ -> throw new AssertionError(part);
        }
    }

    private void number(Scalar scalar, Class<?> javaType) {
        access("get" + suffix(scalar, true), CD_long, SEGMENT, CD_long);
        if (javaType == boolean.class)
            access("isTrue", CD_boolean, CD_long);
        else if (javaType == float.class)
            code.l2i().invokestatic(Float.class.describeConstable().orElseThrow(), "intBitsToFloat",
                    MethodTypeDesc.of(CD_float, CD_int));
        else if (javaType == double.class)
            code.invokestatic(Double.class.describeConstable().orElseThrow(), "longBitsToDouble",
                    MethodTypeDesc.of(CD_double, CD_long));
        else
            code.conversion(TypeKind.LONG, TypeKind.from(javaType));
    }

    /** The end of the name of the methods in {@link MemberAccess} that get and put such a number. */
    static String suffix(Scalar scalar, boolean withSign) {
        String sign = !withSign || scalar.size() == Long.BYTES
                ? ""
                : scalar.kind() == Kind.UNSIGNED || scalar.kind() == Kind.BOOLEAN ? "U" : "S";
        String order = scalar.size() == 1 ? "" : scalar.order() == java.nio.ByteOrder.BIG_ENDIAN ? "Big" : "Little";
        return sign + scalar.size() * Byte.SIZE + order;
    }

    private void length(Part part, int size) {
        if (size != 0) {
            code.loadConstant(size);
            return;
        }
        rest(part);
        code.l2i();
    }

    /** The bytes from this member, which is the last, to the end. */
    private void rest(Part part) {
        code.lload(END);
        address(part);
        code.lsub();
    }

    private void address(Part part) {
        code.lload(AT).loadConstant((long) part.member().offset()).ladd();
    }

    private String name(Part part) {
        return struct.layout().name() + "." + part.member().name();
    }

    private void access(String method, ClassDesc result, ClassDesc... parameters) {
        code.invokestatic(ACCESS, method, MethodTypeDesc.of(result, parameters));
    }
}
