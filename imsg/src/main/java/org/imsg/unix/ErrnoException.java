package org.imsg.unix;

import java.io.IOException;

/** A system call failed. The message says which, on what, and why: {@code connect(/run/x.sock): ECONNREFUSED (111): ...}. */
public final class ErrnoException extends IOException {
    private static final long serialVersionUID = 1L;

    /** The call's name. */
    private final String call;
    /** What it was called on, or null. */
    private final String on;
    /** The value of errno. */
    private final int number;

    /**
     * For a call on nothing worth naming.
     *
     * @param call the call's name, such as {@code socket}
     * @param number the value of errno, 1 or more
     */
    public ErrnoException(String call, int number) {
        this(call, null, number);
    }

    /**
     * For a call on something.
     *
     * @param call the call's name, such as {@code open}
     * @param on what it was called on, such as a path; may be null
     * @param number the value of errno, 1 or more
     */
    public ErrnoException(String call, Object on, int number) {
        super(call + (on == null ? "" : "(" + on + ")") + ": " + Errno.name(number) + " (" + number + "): "
                + Errno.text(number));
        this.call = call;
        this.on = on == null ? null : on.toString();
        this.number = number;
    }

    /**
     * The result of a call on nothing worth naming.
     *
     * @param call the call's name, such as {@code socket}
     * @param result what the call returned: a value of 0 or more, or the negative errno
     * @return {@code result}
     * @throws ErrnoException if it is negative
     */
    public static int check(String call, int result) throws ErrnoException {
        return check(call, null, result);
    }

    /**
     * The result of a call on something.
     *
     * @param call the call's name, such as {@code open}
     * @param on the object of the call, such as a path; may be null
     * @param result what the call returned: a value of 0 or more, or the negative errno
     * @return {@code result}
     * @throws ErrnoException if it is negative
     */
    public static int check(String call, Object on, int result) throws ErrnoException {
        if (result < 0)
            throw new ErrnoException(call, on, -result);
        return result;
    }

    /**
     * The call that failed.
     *
     * @return its name, such as {@code sendmsg}
     */
    public String call() {
        return call;
    }

    /**
     * What it was called on.
     *
     * @return such as a path, or null for nothing worth naming
     */
    public String on() {
        return on;
    }

    /**
     * The value of errno.
     *
     * @return 1 or more
     */
    public int number() {
        return number;
    }

    /**
     * The name of the error.
     *
     * @return such as {@code EPIPE}
     */
    public String name() {
        return Errno.name(number);
    }
}
