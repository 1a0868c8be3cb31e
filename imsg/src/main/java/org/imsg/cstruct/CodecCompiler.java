package org.imsg.cstruct;

import static java.lang.constant.ConstantDescs.CD_Object;
import static java.lang.constant.ConstantDescs.CD_long;
import static java.lang.constant.ConstantDescs.INIT_NAME;
import static java.lang.constant.ConstantDescs.MTD_void;
import static org.imsg.cstruct.CodecConstants.COMPILED;
import static org.imsg.cstruct.CodecConstants.READ;
import static org.imsg.cstruct.CodecConstants.WRITE;

import java.lang.classfile.ClassBuilder;
import java.lang.classfile.ClassFile;
import java.lang.constant.MethodTypeDesc;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;

/**
 * Makes the class that reads and writes one record: straight code with every offset in it. The record's constructor and
 * accessors are method handles among the class's constants, so that the class can live here while the record is hidden in
 * another module; everything that is no Java number is an Object to it. {@link CodecReader} and {@link CodecWriter} write
 * the code of a record.
 */
final class CodecCompiler {
    private static final MethodTypeDesc FLEXIBLE_BYTES = MethodTypeDesc.of(CD_long, CD_Object);

    private CodecCompiler() {}

    static Codec compile(StructRecord root, MethodHandles.Lookup caller) {
        CodecConstants constants = new CodecConstants(caller);
        byte[] classFile = ClassFile.of().build(COMPILED, type -> assemble(type, root, constants));
        try {
            MethodHandles.Lookup compiled = MethodHandles.lookup().defineHiddenClassWithClassData(classFile,
                    constants.handles(), true);
            return (Codec) compiled.findConstructor(compiled.lookupClass(), MethodType.methodType(void.class)).invoke();
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new IllegalStateException(e);
        }
    }

    private static void assemble(ClassBuilder type, StructRecord root, CodecConstants constants) {
        type.withFlags(ClassFile.ACC_FINAL | ClassFile.ACC_SUPER | ClassFile.ACC_SYNTHETIC);
        type.withInterfaceSymbols(Codec.class.describeConstable().orElseThrow());
        type.withMethodBody(INIT_NAME, MTD_void, 0,
                code -> code.aload(0).invokespecial(CD_Object, INIT_NAME, MTD_void).return_());
        type.withMethodBody("read", READ, ClassFile.ACC_PUBLIC, code -> code.aload(1).lload(2).lload(4)
                .invokestatic(COMPILED, constants.readMethod(root), READ).areturn());
        type.withMethodBody("write", WRITE, ClassFile.ACC_PUBLIC, code -> code.aload(1).aload(2).lload(3)
                .invokestatic(COMPILED, constants.writeMethod(root), WRITE).return_());
        type.withMethodBody("flexibleBytes", FLEXIBLE_BYTES, ClassFile.ACC_PUBLIC,
                code -> new CodecWriter(constants, code, root).flexibleBytes(1));
        for (int i = 0; i < constants.records().size(); i++) { // writing one may find others
            StructRecord each = constants.records().get(i);
            type.withMethodBody(constants.readMethod(each), READ, ClassFile.ACC_STATIC,
                    code -> new CodecReader(constants, code, each).read());
            type.withMethodBody(constants.writeMethod(each), WRITE, ClassFile.ACC_STATIC,
                    code -> new CodecWriter(constants, code, each).write());
        }
    }
}
