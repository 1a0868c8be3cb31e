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
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.util.Arrays;
import java.util.Collections;
import org.jspecify.annotations.Nullable;

/**
 * A function of the C library, or of another, looked up at its first call.
 *
 * <p>Every function we call takes and returns integers and pointers only. On each ABI of {@link Os} those travel in
 * integer registers of full width: a pointer as its address, an int widened with its sign. A result that C calls int is cut
 * back to int. The callee does not look at what is passed beyond its parameters, and the caller clears it away. So one call
 * handle serves all functions: it takes the function's address, seven {@code long}s, zeros behind those that count, and the
 * segment that errno is captured into. Binding a handle costs about ten milliseconds of JVM start, looking a function up
 * does not.
 *
 * <p>An errno segment belongs to the caller, and to one thread at a time; calls without one make their own, which takes 100 ns.
 * A pointer passed as an address does not keep its segment alive: the caller does.
 */
final class CFunction {
    private static final boolean MACOS = Os.current() == Os.MACOS;
    private static final StructLayout CAPTURED = Linker.Option.captureStateLayout();
    /** Where the errno of calls goes whose failure does not matter, by any thread. */
    private static final MemorySegment UNREAD = Arena.global().allocate(CAPTURED);
    private static final long ERRNO_OFFSET = CAPTURED.byteOffset(PathElement.groupElement("errno"));

    private static volatile boolean allowed;

    private final String name;
    private final int fixed;
    private final @Nullable String library;
    /** Null before the first call; any thread may set it, always to the same. */
    private @Nullable MemorySegment address;
    /** The same, for a variadic function on macOS. */
    private @Nullable MethodHandle variadic;

    /** A function of up to seven integer or pointer parameters. */
    CFunction(String name) {
        this(name, 0);
    }

    /** A variadic function with that many fixed parameters. */
    CFunction(String name, int fixed) {
        this(name, fixed, null);
    }

    private CFunction(String name, int fixed, @Nullable String library) {
        this.name = name;
        this.fixed = fixed;
        this.library = library;
    }

    /** A function of a library that is loaded for it, and stays loaded. */
    static CFunction of(String library, String name) {
        return new CFunction(name, 0, library);
    }

    /** A function that has two versions in the C library of macOS on x86_64, the plain name for structs with 32-bit inodes. */
    static CFunction withInode64(String name) {
        boolean twoOfThem = MACOS && !System.getProperty("os.arch").equals("aarch64");
        return new CFunction(twoOfThem ? name + "$INODE64" : name);
    }

    /**
     * A segment to capture errno into, which lives as long as the arena. No call can be made without one, so this is the place
     * to find out that the JVM denies native access, before a class fails to initialise for good.
     */
    static MemorySegment errnoSegment(Arena arena) {
        if (!allowed)
            requireNativeAccess();
        return arena.allocate(CAPTURED);
    }

    /** The number in a segment that errno was captured into. */
    static int errno(MemorySegment captured) {
        return captured.get(JAVA_INT, ERRNO_OFFSET);
    }

    /** The error text when the JVM denies native access to the module. */
    static String deniedTo(Module module) {
        return "imsg calls the system through java.lang.foreign, which this JVM denies it: start java with"
                + " --enable-native-access=" + (module.isNamed() ? module.getName() : "ALL-UNNAMED");
    }

    /** Calls the function with the first of seven arguments, in a thread and at a place where 100 ns do not matter. */
    int call(long... arguments) {
        long[] a = arguments.length == 7 ? arguments : Arrays.copyOf(arguments, 7);
        Arena arena = Arena.ofConfined();
        try {
            return call(errnoSegment(arena), a[0], a[1], a[2], a[3], a[4], a[5], a[6]);
        } finally {
            try {
                arena.close();
            } catch (StackOverflowError _) {
                // Better some bytes are lost than the result, which may be a descriptor.
            }
        }
    }

    /** Calls the function and tells success from failure only; allocates nothing, so that it works when memory is at its end. */
    int callAnyway(long a, long b, long c) {
        if (!allowed)
            requireNativeAccess();
        return (int) invoke(UNREAD, a, b, c, 0, 0, 0, 0);
    }

    int call(MemorySegment errno, long a) {
        return call(errno, a, 0, 0, 0, 0, 0, 0);
    }

    int call(MemorySegment errno, long a, long b, long c) {
        return call(errno, a, b, c, 0, 0, 0, 0);
    }

    int call(MemorySegment errno, long a, long b, long c, long d) {
        return call(errno, a, b, c, d, 0, 0, 0);
    }

    /** The result of a function that returns int, or the negative errno. */
    int call(MemorySegment errno, long a, long b, long c, long d, long e, long f, long g) {
        int result = (int) invoke(errno, a, b, c, d, e, f, g);
        return result == -1 ? -errno(errno) : result;
    }

    /** The result of a function that returns a pointer, or the negative errno for null. */
    long pointer(long a) {
        return pointer(a, 0);
    }

    /** As {@link #pointer(long)}, for a function of two parameters. */
    long pointer(long a, long b) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment errno = errnoSegment(arena);
            long result = invoke(errno, a, b, 0, 0, 0, 0, 0);
            return result == 0 ? -errno(errno) : result;
        }
    }

    private long invoke(MemorySegment errno, long a, long b, long c, long d, long e, long f, long g) {
        MemorySegment function = address;
        if (function == null)
            function = find();
        MethodHandle handle = MACOS && fixed > 0 ? variadicHandle() : Handle.shared;
        try {
            return (long) handle.invokeExact(function, errno, a, b, c, d, e, f, g);
        } catch (Throwable t) {
            throw unexpected(t);
        }
    }

    /** Looks the function up, for a thread that could not do so itself. */
    MemorySegment find() {
        address = lookup().find(name).orElseThrow(() -> new UnsupportedOperationException(
                (library == null ? "the C library" : library) + " has no " + name));
        return address;
    }

    @SuppressWarnings("restricted")
    private SymbolLookup lookup() {
        if (library == null)
            return Linker.nativeLinker().defaultLookup();
        try {
            return SymbolLookup.libraryLookup(library, Arena.global());
        } catch (IllegalArgumentException e) {
            throw new UnsupportedOperationException("this system has no " + library, e);
        }
    }

    private MethodHandle variadicHandle() {
        if (variadic == null)
            variadic = Handle.bind(Linker.Option.firstVariadicArg(fixed));
        return variadic;
    }

    @SuppressWarnings("restricted")
    private static void requireNativeAccess() {
        try {
            MemorySegment.NULL.reinterpret(0);
        } catch (IllegalCallerException e) {
            throw new IllegalStateException(deniedTo(CFunction.class.getModule()), e);
        }
        allowed = true;
    }

    /** A call handle throws nothing of its own: an exception is an Error, or a defect here. */
    private static RuntimeException unexpected(Throwable thrown) {
        if (thrown instanceof Error error)
            throw error;
        if (thrown instanceof RuntimeException exception)
            throw exception;
        throw new AssertionError(thrown);
    }

    private static final class Handle {
        // A variadic call differs from others in one register only, which those ignore; but on macOS in where arguments are.
        // Not final: the JIT compiler would inline the call into its callers, and where those are deep in an event loop it stops
        // half-way, so that each call allocates the slice of the errno segment that FFM makes for itself.
        static MethodHandle shared = MACOS ? bind() : bind(Linker.Option.firstVariadicArg(1));

        @SuppressWarnings("restricted")
        static MethodHandle bind(Linker.Option... variadic) {
            MemoryLayout[] seven = Collections.nCopies(7, JAVA_LONG).toArray(MemoryLayout[]::new);
            Linker.Option[] options = Arrays.copyOf(variadic, variadic.length + 1);
            options[variadic.length] = Linker.Option.captureCallState("errno");
            return Linker.nativeLinker().downcallHandle(FunctionDescriptor.of(JAVA_LONG, seven), options);
        }
    }
}
