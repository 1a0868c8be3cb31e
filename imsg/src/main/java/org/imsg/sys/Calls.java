package org.imsg.sys;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout.PathElement;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.invoke.MethodHandle;

/**
 * How C functions are bound and called: the one shape there is, and where errno goes.
 *
 * <p>Every function we call takes and returns integers and pointers only. On each ABI of {@link Os} those travel in
 * integer registers of full width: a pointer as its address, an int widened with its sign. A result that C calls int is cut
 * back to int. What is passed beyond a function's parameters lies where it does not look, and is the caller's to clear away;
 * so all are called with seven {@code long}s, zeros behind those that count. Binding a new shape costs about ten milliseconds
 * of JVM start, binding a further function of a known shape does not.
 *
 * <p>Each call takes the segment that errno is captured into; it belongs to the caller, and to one thread at a time.
 * A pointer passed as an address does not keep its segment alive: callers do.
 */
final class Calls {
    private static final FunctionDescriptor SHAPE = FunctionDescriptor.of(JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG,
            JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG);
    private static final Linker.Option ERRNO = Linker.Option.captureCallState("errno");
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

    /** Binds a C function of up to seven integer or pointer parameters. */
    static MethodHandle bind(String name) {
        // A variadic call differs from others in one register only, which those ignore; but on macOS in where arguments are.
        return Os.current() == Os.MACOS ? bind(name, ERRNO) : bindVariadic(name, 1);
    }

    /** Binds a variadic C function, some of whose parameters are fixed. */
    static MethodHandle bindVariadic(String name, int fixed) {
        return bind(name, ERRNO, Linker.Option.firstVariadicArg(Os.current() == Os.MACOS ? fixed : 1));
    }

    /** What to say when the JVM denies native access to the module. */
    static String deniedTo(Module module) {
        return "imsg calls the system through java.lang.foreign, which this JVM denies it: start java with"
                + " --enable-native-access=" + (module.isNamed() ? module.getName() : "ALL-UNNAMED");
    }

    @SuppressWarnings("restricted")
    private static MethodHandle bind(String name, Linker.Option... options) {
        Linker linker = Linker.nativeLinker();
        MemorySegment symbol = linker.defaultLookup().find(name)
                .orElseThrow(() -> new UnsupportedOperationException("the C library has no " + name));
        return linker.downcallHandle(symbol, SHAPE, options);
    }

    /** The result of a function that returns int, or the negative errno. */
    static int result(long returned, MemorySegment errno) {
        int value = (int) returned;
        return value == -1 ? -errno.get(JAVA_INT, ERRNO_OFFSET) : value;
    }

    static int call(MethodHandle function, MemorySegment errno, long a) {
        return call(function, errno, a, 0, 0, 0, 0, 0, 0);
    }

    static int call(MethodHandle function, MemorySegment errno, long a, long b) {
        return call(function, errno, a, b, 0, 0, 0, 0, 0);
    }

    static int call(MethodHandle function, MemorySegment errno, long a, long b, long c) {
        return call(function, errno, a, b, c, 0, 0, 0, 0);
    }

    static int call(MethodHandle function, MemorySegment errno, long a, long b, long c, long d) {
        return call(function, errno, a, b, c, d, 0, 0, 0);
    }

    static int call(MethodHandle function, MemorySegment errno, long a, long b, long c, long d, long e) {
        return call(function, errno, a, b, c, d, e, 0, 0);
    }

    static int call(MethodHandle function, MemorySegment errno, long a, long b, long c, long d, long e, long f) {
        return call(function, errno, a, b, c, d, e, f, 0);
    }

    /** The result of a function that returns a pointer, null as 0; errno is in the segment then, unless 0 is no error. */
    static long pointer(MethodHandle function, MemorySegment errno, long a) {
        try {
            return (long) function.invokeExact(errno, a, 0L, 0L, 0L, 0L, 0L, 0L);
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
