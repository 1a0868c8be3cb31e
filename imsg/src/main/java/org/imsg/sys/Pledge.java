package org.imsg.sys;

import static org.imsg.sys.Calls.call;

import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/** OpenBSD's own calls to give up rights, which bind every thread of the process; as {@link Posix}. Compiled, never run here. */
public final class Pledge {
    private Pledge() {}

    /** {@code int pledge(const char *, const char *)}. */
    public static int pledge(MemorySegment errno, long promises, long execpromises) {
        return call(PledgeCall.HANDLE, errno, promises, execpromises);
    }

    /** {@code int unveil(const char *, const char *)}. */
    public static int unveil(MemorySegment errno, long path, long permissions) {
        return call(UnveilCall.HANDLE, errno, path, permissions);
    }

    private static final class PledgeCall {
        static final MethodHandle HANDLE = Calls.bind("pledge");
    }

    private static final class UnveilCall {
        static final MethodHandle HANDLE = Calls.bind("unveil");
    }
}
