package org.imsg.sys;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemoryLayout.PathElement;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.invoke.MethodHandle;
import java.util.Collections;

/**
 * How C functions are bound and called: the few shapes there are, and where errno goes.
 *
 * <p>Every function we call takes and returns integers and pointers only. On each ABI of {@link Os} those travel in
 * integer registers of full width, so a function of n parameters is bound with the one shape of n {@code long}s: a
 * pointer as its address, an int widened with its sign. A result that C calls int is cut back to int. Binding a new
 * shape costs milliseconds of JVM start, binding a further function of a known shape does not.
 *
 * <p>Each call takes the segment that errno is captured into; it belongs to the caller, and to one thread at a time.
 * A pointer passed as an address does not keep its segment alive: callers do.
 */
final class Calls {
    private static final StructLayout CAPTURED = Linker.Option.captureStateLayout();
    private static final long ERRNO_OFFSET = CAPTURED.byteOffset(PathElement.groupElement("errno"));

    private static volatile boolean allowed;

    private Calls() {}

    /**
     * A segment to capture errno into, which lives as long as the arena. No call can be made without one, so this is where a
     * JVM that denies native access is found out, before a holder of a handle fails to initialise for good.
     */
    static MemorySegment errnoSegment(Arena arena) {
        if (!allowed)
            requireNativeAccess();
        return arena.allocate(CAPTURED);
    }

    @SuppressWarnings("restricted")
    private static void requireNativeAccess() {
        try {
            MemorySegment.NULL.reinterpret(0);
        } catch (IllegalCallerException e) {
            throw new IllegalStateException(deniedTo(Calls.class.getModule()), e);
        }
        allowed = true;
    }

    /** Binds a C function of that many integer or pointer parameters. */
    static MethodHandle bind(String name, int parameters) {
        return bind(name, parameters, Linker.Option.captureCallState("errno"));
    }

    /** Binds a variadic C function of which the first two parameters are fixed; one more is always passed. */
    static MethodHandle bindVariadic(String name) {
        return bind(name, 3, Linker.Option.captureCallState("errno"), Linker.Option.firstVariadicArg(2));
    }

    /** Binds a variadic C function that is always passed the same number of parameters, some of which are fixed. */
    static MethodHandle bindVariadic(String name, int fixed, int parameters) {
        return bind(name, parameters, Linker.Option.captureCallState("errno"), Linker.Option.firstVariadicArg(fixed));
    }

    /** Binds syscall(2) with all six arguments a call can have. */
    static MethodHandle bindSyscall() {
        return bind("syscall", 7, Linker.Option.captureCallState("errno"), Linker.Option.firstVariadicArg(1));
    }

    /** What to say when the JVM denies native access to the module. */
    static String deniedTo(Module module) {
        return "imsg calls the system through java.lang.foreign, which this JVM denies it: start java with"
                + " --enable-native-access=" + (module.isNamed() ? module.getName() : "ALL-UNNAMED");
    }

    @SuppressWarnings("restricted")
    private static MethodHandle bind(String name, int parameters, Linker.Option... options) {
        Linker linker = Linker.nativeLinker();
        MemorySegment symbol = linker.defaultLookup().find(name)
                .orElseThrow(() -> new UnsupportedOperationException("the C library has no " + name));
        MemoryLayout[] longs = Collections.nCopies(parameters, JAVA_LONG).toArray(MemoryLayout[]::new);
        return linker.downcallHandle(symbol, FunctionDescriptor.of(JAVA_LONG, longs), options);
    }

    /** The result of a function that returns int, or the negative errno. */
    static int result(long returned, MemorySegment errno) {
        int value = (int) returned;
        return value == -1 ? -errno.get(JAVA_INT, ERRNO_OFFSET) : value;
    }

    static int call(MethodHandle function, MemorySegment errno, long a) {
        try {
            return result((long) function.invokeExact(errno, a), errno);
        } catch (Throwable t) {
            throw unexpected(t);
        }
    }

    static int call(MethodHandle function, MemorySegment errno, long a, long b) {
        try {
            return result((long) function.invokeExact(errno, a, b), errno);
        } catch (Throwable t) {
            throw unexpected(t);
        }
    }

    static int call(MethodHandle function, MemorySegment errno, long a, long b, long c) {
        try {
            return result((long) function.invokeExact(errno, a, b, c), errno);
        } catch (Throwable t) {
            throw unexpected(t);
        }
    }

    static int call(MethodHandle function, MemorySegment errno, long a, long b, long c, long d) {
        try {
            return result((long) function.invokeExact(errno, a, b, c, d), errno);
        } catch (Throwable t) {
            throw unexpected(t);
        }
    }

    static int call(MethodHandle function, MemorySegment errno, long a, long b, long c, long d, long e) {
        try {
            return result((long) function.invokeExact(errno, a, b, c, d, e), errno);
        } catch (Throwable t) {
            throw unexpected(t);
        }
    }

    static int call(MethodHandle function, MemorySegment errno, long a, long b, long c, long d, long e, long f) {
        try {
            return result((long) function.invokeExact(errno, a, b, c, d, e, f), errno);
        } catch (Throwable t) {
            throw unexpected(t);
        }
    }

    /** The result of a function that returns a pointer, null as 0; errno is in the segment then, unless 0 is no error. */
    static long pointer(MethodHandle function, MemorySegment errno, long a) {
        try {
            return (long) function.invokeExact(errno, a);
        } catch (Throwable t) {
            throw unexpected(t);
        }
    }

    static int call(MethodHandle function, MemorySegment errno, long a, long b, long c, long d, long e, long f,
            long g) {
        try {
            return result((long) function.invokeExact(errno, a, b, c, d, e, f, g), errno);
        } catch (Throwable t) {
            throw unexpected(t);
        }
    }

    /** The number in a segment that errno was captured into. */
    static int errno(MemorySegment captured) {
        return captured.get(JAVA_INT, ERRNO_OFFSET);
    }

    /** A call handle throws nothing of its own: what comes out is an Error, or a defect here. */
    private static RuntimeException unexpected(Throwable thrown) {
        if (thrown instanceof Error error)
            throw error;
        if (thrown instanceof RuntimeException exception)
            throw exception;
        throw new AssertionError(thrown);
    }
}
