package org.imsg.cstruct;

import static java.lang.constant.ConstantDescs.CD_MethodHandle;
import static java.lang.constant.ConstantDescs.CD_MethodHandles;
import static java.lang.constant.ConstantDescs.CD_Object;
import static java.lang.constant.ConstantDescs.CD_int;
import static java.lang.constant.ConstantDescs.CD_long;
import static java.lang.constant.ConstantDescs.CD_void;

import java.lang.classfile.CodeBuilder;
import java.lang.constant.ClassDesc;
import java.lang.constant.ConstantDescs;
import java.lang.constant.DirectMethodHandleDesc;
import java.lang.constant.DynamicConstantDesc;
import java.lang.constant.MethodTypeDesc;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.lang.reflect.RecordComponent;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

import org.imsg.cstruct.StructRecord.Part;

/**
 * The things that the code of a compiled class refers to: the handles of constructors and accessors, which are its constants,
 * and a method for each record. {@link CodecReader} and {@link CodecWriter} collect both while they write code.
 */
final class CodecConstants {
    static final ClassDesc COMPILED = ClassDesc.of(Codec.class.getPackageName(), "CompiledCodec");
    static final ClassDesc SEGMENT = MemorySegment.class.describeConstable().orElseThrow();
    static final ClassDesc ACCESS = MemberAccess.class.describeConstable().orElseThrow();
    static final MethodTypeDesc READ = MethodTypeDesc.of(CD_Object, SEGMENT, CD_long, CD_long);
    static final MethodTypeDesc WRITE = MethodTypeDesc.of(CD_void, CD_Object, SEGMENT, CD_long);

    private static final MethodHandles.Lookup HERE = MethodHandles.lookup();
    private static final DirectMethodHandleDesc CLASS_DATA = ConstantDescs.ofConstantBootstrap(CD_MethodHandles,
            "classDataAt", CD_Object, CD_int);
    /** The most arguments of a method handle, less those that the call itself takes. */
    private static final int MOST_SLOTS = 250;

    private final MethodHandles.Lookup caller;
    /** The record and those nested in it, each once; the index is in the names of the methods made for it. */
    private final List<StructRecord> records = new ArrayList<>();
    private final List<MethodHandle> handles = new ArrayList<>();

    CodecConstants(MethodHandles.Lookup caller) {
        this.caller = caller;
    }

    /** Returns the records found so far; writing the code of one may find others. */
    List<StructRecord> records() {
        return records;
    }

    List<MethodHandle> handles() {
        return List.copyOf(handles);
    }

    void callRead(CodeBuilder code, StructRecord nested) {
        code.invokestatic(COMPILED, readMethod(nested), READ);
    }

    void callWrite(CodeBuilder code, StructRecord nested) {
        code.invokestatic(COMPILED, writeMethod(nested), WRITE);
    }

    String readMethod(StructRecord struct) {
        return "read" + indexOf(struct);
    }

    String writeMethod(StructRecord struct) {
        return "write" + indexOf(struct);
    }

    private int indexOf(StructRecord struct) {
        for (int i = 0; i < records.size(); i++) {
            if (records.get(i).type() == struct.type())
                return i;
        }
        records.add(struct);
        return records.size() - 1;
    }

    /** Loads a handle, to be called with {@code invokeExact} and exactly this type. */
    void load(CodeBuilder code, MethodHandle handle) {
        handles.add(handle);
        code.ldc(DynamicConstantDesc.ofNamed(CLASS_DATA, ConstantDescs.DEFAULT_NAME, CD_MethodHandle,
                handles.size() - 1));
    }

    void invoke(CodeBuilder code, MethodType type) {
        code.invokevirtual(CD_MethodHandle, "invokeExact", type.describeConstable().orElseThrow());
    }

    MethodHandle constructor(StructRecord struct) {
        Class<?>[] types = Arrays.stream(struct.type().getRecordComponents()).map(RecordComponent::getType)
                .toArray(Class<?>[]::new);
        int slots = Arrays.stream(types).mapToInt(type -> type == long.class || type == double.class ? 2 : 1).sum();
        if (slots > MOST_SLOTS)
            throw new IllegalArgumentException(struct.type().getName() + " has " + types.length
                    + " components, too many for one record: nest some in a record of their own");
        try {
            return erased(
                    reach(struct.type()).unreflectConstructor(struct.type().getDeclaredConstructor(types)));
        } catch (IllegalAccessException e) {
            throw inaccessible(struct.type(), e);
        } catch (NoSuchMethodException e) {
            throw new AssertionError("every record has its canonical constructor", e);
        }
    }

    MethodHandle accessor(StructRecord struct, Part part) {
        try {
            return erased(reach(struct.type()).unreflect(part.component().getAccessor()));
        } catch (IllegalAccessException e) {
            throw inaccessible(struct.type(), e);
        }
    }

    /** Returns the handle with Object for everything that is no number. */
    static MethodHandle erased(MethodHandle handle) {
        return handle.asType(handle.type().erase());
    }

    private MethodHandles.Lookup reach(Class<?> type) {
        if (caller.lookupClass().getModule() == HERE.lookupClass().getModule())
            HERE.lookupClass().getModule().addReads(type.getModule());
        try {
            return MethodHandles.privateLookupIn(type, caller);
        } catch (IllegalAccessException _) {
            return caller; // enough for what is public and exported
        }
    }

    private IllegalArgumentException inaccessible(Class<?> type, IllegalAccessException cause) {
        String module = caller.lookupClass().getModule().isNamed()
                ? caller.lookupClass().getModule().getName()
                : "the class path";
        return new IllegalArgumentException("record " + type.getName() + " is not accessible to " + module
                + ": make it public in an exported package, open " + type.getPackageName()
                + " to org.imsg, or pass MethodHandles.lookup() of a class that sees it", cause);
    }
}
