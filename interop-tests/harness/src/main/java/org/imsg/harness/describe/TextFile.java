package org.imsg.harness.describe;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/** Texts that a person writes, read with bounds: a file that is something else is told of before it takes memory. */
public final class TextFile {
    /** The longest line of a script in bytes: room for a message of 16 MiB in hexadecimal. */
    public static final int SCRIPT_LINE = 33 << 20;
    /** The longest line of a struct description in bytes. */
    public static final int DESCRIPTION_LINE = 1 << 16;
    /** So many lines has a text at most. */
    public static final int MOST_LINES = 1 << 16;

    private static final int MOST_BYTES = 1 << 26;

    private TextFile() {}

    /**
     * Reads a file.
     *
     * @param file the file
     * @param longest the longest line in bytes
     * @return its text
     * @throws IOException if it cannot be read, is not in UTF-8, or has a line that is longer, or more than
     *     {@link #MOST_LINES} lines or 64 MiB; the message says which
     */
    public static String read(Path file, int longest) throws IOException {
        ByteArrayOutputStream text = new ByteArrayOutputStream();
        byte[] chunk = new byte[1 << 16];
        int line = 1;
        int length = 0;
        try (InputStream in = Files.newInputStream(file)) {
            for (int count; (count = in.read(chunk)) >= 0;) {
                for (int i = 0; i < count; i++) {
                    length = chunk[i] == '\n' ? 0 : length + 1;
                    line += chunk[i] == '\n' ? 1 : 0;
                    if (length > longest)
                        throw new IOException(file + ": line " + line + " is longer than " + longest + " bytes");
                }
                text.write(chunk, 0, count);
                if (line > MOST_LINES + 1 || text.size() > MOST_BYTES)
                    throw new IOException(file + ": at most " + MOST_LINES + " lines and " + MOST_BYTES
                            + " bytes are read");
            }
        }
        try {
            return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(text.toByteArray())).toString();
        } catch (CharacterCodingException e) {
            throw new IOException(file + ": it is no text in UTF-8", e);
        }
    }
}
