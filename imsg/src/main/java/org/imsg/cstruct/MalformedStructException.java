package org.imsg.cstruct;

/** Bytes cannot be the struct they were read as: another size, or a string without its end. The message names both sizes. */
public final class MalformedStructException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /**
     * Names what is wrong.
     *
     * @param message the struct or member, what was expected and what there was
     */
    public MalformedStructException(String message) {
        super(message);
    }
}
