package org.imsg.fuzz;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.imsg.wire.Dialect;

/** The C library's reading side called in this process: {@code c-reference/scripted-reads.c}. */
@SuppressWarnings("restricted") // a C library is loaded and its functions bound
final class CReader {
    private static final int HEAD = 12 + 4 * 256, MESSAGE = 24;

    private static final MethodHandle MODERN = bind("scripted-reads-modern.so");
    private static final MethodHandle CLASSIC = bind("scripted-reads-classic.so");
    private static final MemorySegment STREAM = Arena.global().allocate(ReadScript.MOST_BYTES);
    private static final MemorySegment SCRIPT = Arena.global().allocate(8L * ReadScript.MOST_READS, 4);
    private static final MemorySegment RESULT = Arena.global()
            .allocate(HEAD + MESSAGE * (ReadScript.MOST_BYTES / 16L), 4);

    private CReader() {}

    private static MethodHandle bind(String library) {
        Path path = Path.of(System.getProperty("imsg.c-reference"), library);
        // int32_t scripted_reads(const unsigned char *, const struct read *, int32_t, uint32_t, struct outcome *);
        return Linker.nativeLinker().downcallHandle(
                SymbolLookup.libraryLookup(path, Arena.global()).findOrThrow("scripted_reads"),
                FunctionDescriptor.of(JAVA_INT, ADDRESS, ADDRESS, JAVA_INT, JAVA_INT, ADDRESS));
    }

    static Outcome read(ReadScript input, Dialect dialect) {
        MemorySegment.copy(input.stream(), 0, STREAM, JAVA_BYTE, 0, input.stream().length);
        int count = 0;
        for (ReadScript.Read read : input.reads()) {
            SCRIPT.setAtIndex(JAVA_INT, 2L * count, read.bytes());
            SCRIPT.setAtIndex(JAVA_INT, 2L * count++ + 1, read.descriptor());
        }
        try {
            int result = dialect == Dialect.MODERN
                    ? (int) MODERN.invokeExact(STREAM, SCRIPT, count, input.limit(), RESULT)
                    : (int) CLASSIC.invokeExact(STREAM, SCRIPT, count, input.limit(), RESULT);
            if (result != 0)
                throw new AssertionError("no memory, or a limit that C refuses: " + input.limit());
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Throwable t) {
            throw new AssertionError(t);
        }
        return outcome();
    }

    private static Outcome outcome() {
        List<Outcome.Message> messages = new ArrayList<>();
        for (int i = 0; i < RESULT.get(JAVA_INT, 4); i++) {
            int[] fields = RESULT.asSlice(HEAD + (long) MESSAGE * i, MESSAGE).toArray(JAVA_INT);
            messages.add(new Outcome.Message(fields[0], fields[1], fields[2], fields[3], fields[4], fields[5]));
        }
        List<Integer> closed = new ArrayList<>();
        for (int i = 0; i < RESULT.get(JAVA_INT, 8); i++)
            closed.add(RESULT.get(JAVA_INT, 12 + 4L * i));
        return new Outcome(messages, closed, RESULT.get(JAVA_INT, 0) != 0);
    }
}
