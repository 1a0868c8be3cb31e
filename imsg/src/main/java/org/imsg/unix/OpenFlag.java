package org.imsg.unix;

import org.imsg.sys.Constants;

/** How open(2) opens a file. Exactly one of {@link #READ}, {@link #WRITE} or {@link #READ_WRITE}; none means READ. */
public enum OpenFlag {
    /** For reading: O_RDONLY. */
    READ,
    /** For writing: O_WRONLY. */
    WRITE,
    /** For both: O_RDWR. */
    READ_WRITE,
    /** The file is made if it is not there: O_CREAT. */
    CREATE,
    /** The file is made, and it is an error if it is there: O_CREAT and O_EXCL. */
    CREATE_NEW,
    /** The file is emptied: O_TRUNC. */
    TRUNCATE,
    /** Every write goes to the end: O_APPEND. */
    APPEND,
    /** Without waiting, for pipes and devices: O_NONBLOCK. */
    NONBLOCK,
    /** An error if the last name is a symbolic link: O_NOFOLLOW. */
    NOFOLLOW;

    private int bits() {
        return switch (this) {
            case READ -> Constants.O_RDONLY;
            case WRITE -> Constants.O_WRONLY;
            case READ_WRITE -> Constants.O_RDWR;
            case CREATE -> Constants.O_CREAT;
            case CREATE_NEW -> Constants.O_CREAT | Constants.O_EXCL;
            case TRUNCATE -> Constants.O_TRUNC;
            case APPEND -> Constants.O_APPEND;
            case NONBLOCK -> Constants.O_NONBLOCK;
            case NOFOLLOW -> Constants.O_NOFOLLOW;
        };
    }

    static int bits(OpenFlag... flags) {
        int bits = 0;
        int directions = 0;
        for (OpenFlag flag : flags) {
            bits |= flag.bits();
            if (flag.ordinal() <= READ_WRITE.ordinal())
                directions++;
        }
        if (directions > 1)
            throw new IllegalArgumentException(
                    "a file is opened READ, WRITE or READ_WRITE, not " + directions + " of them");
        return bits;
    }
}
