package org.imsg.cstruct;

/**
 * Bytes cannot be the struct they were read as: another size, or a string without its end. The message names both sizes.
 *
 * <p>Thrown by a handler, it ends the call to {@code ImsgChannel.read} as an {@code ImsgProtocolException}. A program that
 * reads messages outside of a handler catches this exception beside {@link java.io.IOException}.
 */
public final class MalformedStructException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /**
     * Makes one.
     *
     * @param message the struct or member, the size that was expected and the size that there was
     */
    public MalformedStructException(String message) {
        super(message);
    }
}
