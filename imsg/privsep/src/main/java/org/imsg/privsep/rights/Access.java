package org.imsg.privsep.rights;

/** A right to what is beneath a path, in the manner of OpenBSD's unveil(2). */
public enum Access {
    /** Read files and list directories. */
    READ('r'),
    /** Write files, and truncate them. */
    WRITE('w'),
    /** Make and remove entries: files, directories, links, sockets, pipes. */
    CREATE('c'),
    /** Execute files. */
    EXEC('x');

    private final char letter;

    Access(char letter) {
        this.letter = letter;
    }

    /** The letter of unveil(2). */
    char letter() {
        return letter;
    }
}
