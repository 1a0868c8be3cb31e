package org.imsg.privsep.rights;

import java.io.IOException;
import java.util.OptionalInt;
import org.imsg.unix.Errno;

/**
 * A right could not be given up. The message names the step and why: {@code setgroups([64010]): EPERM (1): Operation not
 * permitted}. A process that was giving up its own rights is then somewhere between what it was and what it was to be, and must
 * end: see {@link PrivilegeDrop#performOrExit()}.
 */
public final class PrivilegeException extends IOException {
    private static final long serialVersionUID = 1L;

    /** The step that failed. */
    private final String step;
    /** The value of errno, or 0. */
    private final int number;

    /**
     * For a step that no system call refused.
     *
     * @param step the step's name, such as {@code proof}
     * @param why what is wrong
     */
    public PrivilegeException(String step, String why) {
        super(step + ": " + why);
        this.step = step;
        number = 0;
    }

    /**
     * For a system call that failed.
     *
     * @param step the step's name, mostly that of the call
     * @param on what it was called on
     * @param number the value of errno, 1 or more
     */
    public PrivilegeException(String step, Object on, int number) {
        super(step + "(" + on + "): " + Errno.name(number) + " (" + number + "): " + Errno.text(number));
        this.step = step;
        this.number = number;
    }

    /**
     * For a step that failed on the Java side.
     *
     * @param step the step's name, such as {@code preload}
     * @param cause why
     */
    public PrivilegeException(String step, Throwable cause) {
        super(step + ": " + cause, cause);
        this.step = step;
        number = 0;
    }

    /**
     * The step that failed.
     *
     * @return such as {@code chroot}, {@code setresuid} or {@code proof}
     */
    public String step() {
        return step;
    }

    /**
     * The value of errno, if it was a system call that failed.
     *
     * @return 1 or more, or empty
     */
    public OptionalInt number() {
        return number == 0 ? OptionalInt.empty() : OptionalInt.of(number);
    }
}
