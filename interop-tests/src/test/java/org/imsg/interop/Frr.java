package org.imsg.interop;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemoryLayout.PathElement;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.nio.file.Path;

/**
 * The C functions of imsg in Debian's libfrr (frr 8.4.4), an imsg of the classic format: bound once, called in this process.
 * Descriptors are numbers here, as in C.
 */
@SuppressWarnings("restricted") // a C library is loaded and its functions bound
final class Frr {
    private static final MemoryLayout ERRNO = Linker.Option.captureStateLayout();
    private static final long ERRNO_AT = ERRNO.byteOffset(PathElement.groupElement("errno"));
    private static final int IBUF_FD = 56;

    private static Frr loaded;

    // void imsg_init(struct imsgbuf *, int);
    final MethodHandle init;
    // ssize_t imsg_read(struct imsgbuf *);
    final MethodHandle read;
    // ssize_t imsg_get(struct imsgbuf *, struct imsg *);
    final MethodHandle get;
    // void imsg_free(struct imsg *);
    final MethodHandle free;
    // int imsg_compose(struct imsgbuf *, uint32_t, uint32_t, pid_t, int, const void *, uint16_t);
    final MethodHandle compose;
    // int imsg_composev(struct imsgbuf *, uint32_t, uint32_t, pid_t, int, const struct iovec *, int);
    final MethodHandle composev;
    // struct ibuf *imsg_create(struct imsgbuf *, uint32_t, uint32_t, pid_t, uint16_t);
    private final MethodHandle create;
    // int imsg_add(struct ibuf *, const void *, uint16_t);
    private final MethodHandle add;
    // void imsg_close(struct imsgbuf *, struct ibuf *);
    final MethodHandle close;
    // int imsg_flush(struct imsgbuf *);
    final MethodHandle flush;
    // void imsg_clear(struct imsgbuf *);
    final MethodHandle clear;

    final MemorySegment errno = Arena.global().allocate(ERRNO);

    private Frr(SymbolLookup library) {
        init = bind(library, "imsg_init", FunctionDescriptor.ofVoid(ADDRESS, JAVA_INT));
        read = bindWithErrno(library, "imsg_read", FunctionDescriptor.of(JAVA_LONG, ADDRESS));
        get = bindWithErrno(library, "imsg_get", FunctionDescriptor.of(JAVA_LONG, ADDRESS, ADDRESS));
        free = bind(library, "imsg_free", FunctionDescriptor.ofVoid(ADDRESS));
        compose = bindWithErrno(library, "imsg_compose", FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_INT, JAVA_INT,
                JAVA_INT, JAVA_INT, ADDRESS, JAVA_SHORT));
        composev = bindWithErrno(library, "imsg_composev", FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_INT, JAVA_INT,
                JAVA_INT, JAVA_INT, ADDRESS, JAVA_INT));
        create = bindWithErrno(library, "imsg_create",
                FunctionDescriptor.of(ADDRESS, ADDRESS, JAVA_INT, JAVA_INT, JAVA_INT, JAVA_SHORT));
        add = bindWithErrno(library, "imsg_add", FunctionDescriptor.of(JAVA_INT, ADDRESS, ADDRESS, JAVA_SHORT));
        close = bind(library, "imsg_close", FunctionDescriptor.ofVoid(ADDRESS, ADDRESS));
        flush = bindWithErrno(library, "imsg_flush", FunctionDescriptor.of(JAVA_INT, ADDRESS));
        clear = bind(library, "imsg_clear", FunctionDescriptor.ofVoid(ADDRESS));
    }

    /** {@return the library, loaded when first asked for; where it cannot be had the test is skipped, or fails} */
    static synchronized Frr load() throws IOException, InterruptedException {
        if (loaded == null) {
            SymbolLookup library = null;
            for (Path path : Peers.libfrr().libraries())
                library = SymbolLookup.libraryLookup(path, Arena.global());
            loaded = new Frr(library);
        }
        return loaded;
    }

    private static MethodHandle bind(SymbolLookup library, String name, FunctionDescriptor descriptor) {
        return Linker.nativeLinker().downcallHandle(library.findOrThrow(name), descriptor);
    }

    private static MethodHandle bindWithErrno(SymbolLookup library, String name, FunctionDescriptor descriptor) {
        return Linker.nativeLinker().downcallHandle(library.findOrThrow(name), descriptor,
                Linker.Option.captureCallState("errno"));
    }

    /** errno after the last call that failed. */
    int errno() {
        return errno.get(JAVA_INT, ERRNO_AT);
    }

    /** imsg_create, or NULL. */
    MemorySegment create(MemorySegment imsgbuf, int type, int peerid, int pid, int length) {
        try {
            return (MemorySegment) create.invokeExact(errno, imsgbuf, type, peerid, pid, (short) length);
        } catch (Throwable t) {
            throw Libc.unexpected(t);
        }
    }

    /** imsg_add; C has freed the ibuf where it returns -1. */
    int add(MemorySegment ibuf, MemorySegment data) {
        try {
            return (int) add.invokeExact(errno, ibuf, data, (short) data.byteSize());
        } catch (Throwable t) {
            throw Libc.unexpected(t);
        }
    }

    /** What C programs of that time do: there is no function for it. */
    static void setFd(MemorySegment ibuf, int fd) {
        ibuf.reinterpret(IBUF_FD + 4).set(JAVA_INT, IBUF_FD, fd);
    }
}
