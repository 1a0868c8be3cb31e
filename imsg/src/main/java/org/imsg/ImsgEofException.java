package org.imsg;

import java.io.EOFException;

/**
 * The stream ended in the middle of a message: the peer died, or closed without finishing. The messages before it have been
 * delivered; the part that arrived is dropped, its descriptor closed. C does not tell this from a clean end.
 */
public final class ImsgEofException extends EOFException {
    private static final long serialVersionUID = 1L;

    /** Bytes that arrived of it. */
    private final int received;
    /** Bytes of the whole message. */
    private final int expected;

    /**
     * Makes one for the part that arrived.
     *
     * @param received bytes of the message that arrived
     * @param expected bytes it would have had, 16 if not even the header was whole
     */
    public ImsgEofException(int received, int expected) {
        super(received < 16
                ? "the stream ended after " + received + " of the 16 bytes of a header"
                : "the stream ended after " + received + " of the " + expected + " bytes of a message");
        this.received = received;
        this.expected = expected;
    }

    /**
     * Returns how much of the message arrived.
     *
     * @return bytes, with the header
     */
    public int received() {
        return received;
    }

    /**
     * Returns how long the message would have been.
     *
     * @return bytes, with the header; 16 if not even the header was whole
     */
    public int expected() {
        return expected;
    }
}
