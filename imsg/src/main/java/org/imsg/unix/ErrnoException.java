package org.imsg.unix;

import java.io.IOException;
import org.imsg.sys.Constants;
import org.jspecify.annotations.Nullable;

/** A system call failed. The message names the call, its object and the error: {@code connect(/run/x.sock): ECONNREFUSED (111): ...}. */
public final class ErrnoException extends IOException {
    private static final long serialVersionUID = 1L;

    /** The call's name. */
    private final String call;
    /** The object of the call, or null. */
    private final @Nullable String on;
    /** The value of errno. */
    private final int number;

    /**
     * Makes an exception for a call on nothing worth naming.
     *
     * @param call the call's name, such as {@code socket}
     * @param number the value of errno, 1 or more
     */
    public ErrnoException(String call, int number) {
        this(call, null, number);
    }

    /**
     * Makes an exception for a call on something.
     *
     * @param call the call's name, such as {@code open}
     * @param on what it was called on, such as a path; may be null
     * @param number the value of errno, 1 or more
     */
    public ErrnoException(String call, @Nullable Object on, int number) {
        super(call + (on == null ? "" : "(" + on + ")") + ": " + Errno.name(number) + " (" + number + "): "
                + Errno.text(number));
        this.call = call;
        this.on = on == null ? null : on.toString();
        this.number = number;
    }

    /**
     * Returns the result of a call, unless it says that the call failed.
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
     * Returns the result of a call on something, unless it says that the call failed.
     *
     * @param call the call's name, such as {@code open}
     * @param on the object of the call, such as a path; may be null
     * @param result what the call returned: a value of 0 or more, or the negative errno
     * @return {@code result}
     * @throws ErrnoException if it is negative
     */
    public static int check(String call, @Nullable Object on, int result) throws ErrnoException {
        if (result < 0)
            throw new ErrnoException(call, on, -result);
        return result;
    }

    /**
     * Returns the call that failed.
     *
     * @return its name, such as {@code sendmsg}
     */
    public String call() {
        return call;
    }

    /**
     * Returns the object of the call.
     *
     * @return such as a path, or null for nothing worth naming
     */
    public @Nullable String on() {
        return on;
    }

    /**
     * Returns the value of errno.
     *
     * @return 1 or more
     */
    public int number() {
        return number;
    }

    /**
     * Returns the name of the error.
     *
     * @return such as {@code EPIPE}
     */
    public String name() {
        return Errno.name(number);
    }

    /**
     * Tells whether the process or the system had no room for what was asked, and may have later.
     *
     * @return true for EMFILE, ENFILE, ENOBUFS and ENOMEM
     */
    public boolean isShortage() {
        return number == Constants.EMFILE || number == Constants.ENFILE || number == Constants.ENOBUFS
                || number == Constants.ENOMEM;
    }
}
