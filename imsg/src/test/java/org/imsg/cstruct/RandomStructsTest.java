package org.imsg.cstruct;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.lang.invoke.MethodHandles;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Structs made up at random, against a naive model and the C compiler. */
class RandomStructsTest {
    private static final int STRUCTS = 100;
    private static final List<CAbi> ABIS = List.of(CAbi.X86_64, CAbi.I386, CAbi.BIG_ENDIAN_64, CAbi.BIG_ENDIAN_32);

    @ParameterizedTest
    @ValueSource(longs = {1, 20261121})
    void values_come_and_go_as_a_naive_model_says(long seed) throws Exception {
        Random random = new Random(seed);
        for (RandomStruct struct : structs(random, "v" + seed)) {
            for (CAbi abi : ABIS)
                comeAndGo(random, struct, abi, "seed " + seed + ", " + abi + "\n" + struct.declaration());
        }
    }

    private static <T extends Record> void comeAndGo(Random random, RandomStruct struct, CAbi abi, String description)
            throws ReflectiveOperationException {
        @SuppressWarnings("unchecked") // the struct's own record
        Class<T> type = (Class<T>) struct.type();
        CStruct<T> tested = CStruct.of(type, abi, MethodHandles.lookup());
        assertThat(tested.size()).as(description).isEqualTo(struct.size(abi));
        ByteBuffer clean = ByteBuffer.allocate(struct.size(abi));
        long values = random.nextLong();
        T value = type.cast(struct.write(new Random(values), clean, abi));
        assertThat(tested.toBytes(value)).as(description).isEqualTo(clean.array());

        ByteBuffer dirty = ByteBuffer.allocate(struct.size(abi));
        random.nextBytes(dirty.array()); // what is in the padding does not matter
        struct.write(new Random(values), dirty, abi);
        assertThat(tested.toBytes(tested.read(dirty.array()))).as(description).isEqualTo(clean.array());
    }

    @ParameterizedTest
    @ValueSource(strings = {"-m64", "-m32"})
    void the_c_compiler_agrees_with_every_layout(String flag) throws Exception {
        assumeTrue(CCompiler.compilesFor(flag), "cc does not compile for " + flag);
        Random random = new Random(7);
        CAbi abi = flag.equals("-m64") ? CAbi.X86_64 : CAbi.I386;
        StringBuilder c = new StringBuilder("#include <stddef.h>\n#include <stdint.h>\n");
        for (RandomStruct struct : structs(random, "c" + flag.substring(2))) {
            c.append(struct.declaration());
            c.append(CCompiler.assertions(CStruct.of(struct.type(), abi, MethodHandles.lookup()).layout()));
        }
        assertThat(CCompiler.errors(c.toString(), flag)).isEmpty();
    }

    private static List<RandomStruct> structs(Random random, String prefix) throws IllegalAccessException {
        List<RandomStruct> structs = new ArrayList<>();
        for (int i = 0; i < STRUCTS; i++)
            structs.add(new RandomStruct(random, prefix + "_" + i, structs));
        return structs;
    }
}
