package org.imsg.peers;

import java.util.Arrays;
import java.util.stream.Collectors;

/** A program has a version whose structs and numbers are not known: using another version's would be guessing. */
public final class UnknownVersionException extends IllegalArgumentException {
    private static final long serialVersionUID = 1L;

    /**
     * Names the version and those that are known.
     *
     * @param program the program
     * @param version its version, as it was given
     * @param known the versions that are known
     */
    public UnknownVersionException(String program, String version, Object... known) {
        super(program + " " + version + " is not known here, only "
                + Arrays.stream(known).map(Object::toString).collect(Collectors.joining(", ")));
    }
}
