package org.imsg.harness.scripted;

import java.io.IOException;
import java.util.Arrays;
import java.util.Locale;
import org.imsg.harness.record.Conversation;
import org.imsg.harness.record.Event;
import org.imsg.unix.Fd;

/** What no library would send. */
public enum Misbehaviour {
    /** A header whose length is 15, one less than a header has. */
    SHORT_LENGTH,
    /** A header whose length is 0. */
    ZERO_LENGTH,
    /** A header whose length is 16385, one more than the usual limit. */
    LONG_LENGTH,
    /** A header whose length has all bits set. */
    HUGE_LENGTH,
    /** A header that announces a descriptor that does not come. */
    MARK_WITHOUT_DESCRIPTOR,
    /** A descriptor with a message that announces none. */
    DESCRIPTOR_WITHOUT_MARK,
    /** Two descriptors with one message. */
    TWO_DESCRIPTORS,
    /** A descriptor with the last byte of a message that announces one. */
    LATE_DESCRIPTOR,
    /** Half a header, then the end. */
    END_IN_HEADER,
    /** A header and half its payload, then the end. */
    END_IN_PAYLOAD;

    private static final int HEADER = 16;
    private static final int USUAL_LIMIT = 16384;

    /**
     * Does it.
     *
     * @param connection over which
     * @param type the type that the messages have
     * @throws IOException if it cannot be sent, because the other side is gone
     */
    public void over(Conversation connection, int type) throws IOException {
        switch (this) {
            case SHORT_LENGTH -> connection.sendBytes(header(connection, type, HEADER - 1, false));
            case ZERO_LENGTH -> connection.sendBytes(header(connection, type, 0, false));
            case LONG_LENGTH -> connection.sendBytes(header(connection, type, USUAL_LIMIT + 1, false));
            case HUGE_LENGTH -> connection.sendBytes(header(connection, type, -1, false));
            case MARK_WITHOUT_DESCRIPTOR -> connection.sendBytes(header(connection, type, HEADER, true));
            case DESCRIPTOR_WITHOUT_MARK -> withPipe(connection, header(connection, type, HEADER, false), 1);
            case TWO_DESCRIPTORS -> withPipe(connection, header(connection, type, HEADER, true), 2);
            case LATE_DESCRIPTOR -> {
                byte[] header = header(connection, type, HEADER, true);
                connection.sendBytes(Arrays.copyOf(header, HEADER - 1));
                withPipe(connection, new byte[]{header[HEADER - 1]}, 1);
            }
            case END_IN_HEADER -> {
                connection.sendBytes(Arrays.copyOf(header(connection, type, HEADER, false), HEADER / 2));
                connection.end();
            }
            case END_IN_PAYLOAD -> {
                connection.sendBytes(Arrays.copyOf(header(connection, type, HEADER + 100, false), HEADER + 50));
                connection.end();
            }
        }
    }

    private static byte[] header(Conversation connection, int type, int length, boolean marked) {
        return Event.header(connection.format(), type, length, marked, 0, (int) ProcessHandle.current().pid());
    }

    private static void withPipe(Conversation connection, byte[] bytes, int count) throws IOException {
        try (Fd.Pair pipe = Fd.pipe()) {
            connection.sendBytes(bytes, count == 1 ? new Fd[]{pipe.first()} : new Fd[]{pipe.first(), pipe.second()});
        }
    }

    /**
     * The one of a name, such as {@code short-length}.
     *
     * @param name in small letters, with hyphens
     * @return the misbehaviour
     * @throws IllegalArgumentException if there is none; the message names all
     */
    public static Misbehaviour of(String name) {
        for (Misbehaviour kind : values())
            if (kind.toString().equals(name))
                return kind;
        throw new IllegalArgumentException("no misbehaviour is called " + name + "; there are "
                + String.join(", ", Arrays.stream(values()).map(Misbehaviour::toString).toList()));
    }

    /** {@return the name in small letters, with hyphens} */
    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }
}
