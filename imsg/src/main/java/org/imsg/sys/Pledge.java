package org.imsg.sys;

/** OpenBSD's own calls to give up rights, which bind every thread of the process; as {@link Posix}. Compiled, never run here. */
public final class Pledge {
    private Pledge() {}

    private static final CFunction PLEDGE = new CFunction("pledge");

    /** {@code int pledge(const char *, const char *)}. */
    public static int pledge(long promises, long execpromises) {
        return PLEDGE.call(promises, execpromises);
    }

    private static final CFunction UNVEIL = new CFunction("unveil");

    /** {@code int unveil(const char *, const char *)}. */
    public static int unveil(long path, long permissions) {
        return UNVEIL.call(path, permissions);
    }
}
