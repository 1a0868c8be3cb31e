package org.imsg.examples.login;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import org.imsg.unix.FdChannel;

/** The lines that a client and a session send each other. */
final class Lines {
    private static final int LONGEST = 2048;

    private Lines() {}

    /** Reads up to the end of a line, or of the stream; a longer line ends the connection. */
    static byte[] read(FdChannel client) throws IOException {
        byte[] bytes = new byte[LONGEST];
        try {
            for (int length = 0; length < LONGEST; length++)
                if (client.read(ByteBuffer.wrap(bytes, length, 1)) < 0 || bytes[length] == '\n')
                    return Arrays.copyOf(bytes, length);
            throw new IOException("a line is longer than " + LONGEST + " bytes");
        } finally {
            Arrays.fill(bytes, (byte) 0);
        }
    }

    /** The rest of a line after its first word; empty if it has another. */
    static String words(byte[] line, String first) {
        String text = new String(line, UTF_8);
        return text.startsWith(first) ? text.substring(first.length()) : "";
    }

    static void write(FdChannel client, String text) throws IOException {
        client.write(ByteBuffer.wrap(text.getBytes(UTF_8)));
    }
}
