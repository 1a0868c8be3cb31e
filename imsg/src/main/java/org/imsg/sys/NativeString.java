package org.imsg.sys;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.net.URI;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystems;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HexFormat;

/**
 * Paths and text as the system takes them: bytes with a NUL behind. A path has the bytes that the JDK itself would hand to
 * the system, whatever the locale, also where they are no text in it. Thread-safe, for there is no state.
 */
public final class NativeString {
    /** The encoding in which the JDK turns text into names and back. */
    private static final Charset NAMES = Charset.forName(System.getProperty("sun.jnu.encoding", "UTF-8"));

    private NativeString() {}

    /**
     * The bytes of a path, without a NUL.
     *
     * @param path a path of the default file system
     * @return its bytes, at least one: an empty path is {@code .}, as for the JDK
     * @throws IllegalArgumentException if the path is of another file system, which the system calls know nothing of
     */
    public static byte[] bytes(Path path) {
        if (path.getFileSystem() != FileSystems.getDefault())
            throw new IllegalArgumentException(path + " is a path of another file system: " + path.getFileSystem());
        String text = path.toString();
        if (text.isEmpty())
            return new byte[]{'.'};
        // In every encoding that a Unix system can have, ASCII is ASCII; a byte that cannot be decoded never becomes ASCII.
        if (text.chars().allMatch(c -> c < 0x80))
            return text.getBytes(StandardCharsets.US_ASCII);
        return path.isAbsolute() ? uriBytes(path) : withoutSlash(uriBytes(Path.of("/").resolve(path)));
    }

    /**
     * The path of bytes.
     *
     * @param bytes the bytes of a path as {@link #bytes(Path)} gives them, without a NUL
     * @return the path, with the same bytes
     */
    public static Path path(byte[] bytes) {
        boolean absolute = bytes.length > 0 && bytes[0] == '/';
        StringBuilder uri = new StringBuilder(absolute ? "file://" : "file:///");
        for (byte b : bytes)
            uri.append(b == '/' ? "/" : "%" + HexFormat.of().toHexDigits(b));
        Path path = Path.of(URI.create(uri.toString()));
        // Not relativize(), which would take out names such as "..".
        return absolute ? path : path.getNameCount() == 0 ? Path.of("") : path.subpath(0, path.getNameCount());
    }

    /**
     * A path as a C string.
     *
     * @param path a path of the default file system
     * @param arena how long it lives
     * @return its bytes and a NUL
     * @throws IllegalArgumentException if the path is of another file system
     */
    public static MemorySegment of(Path path, Arena arena) {
        return of(bytes(path), arena);
    }

    /**
     * Text as a C string: in the encoding of names if that has all of its characters, as the JDK would encode it, else UTF-8.
     *
     * @param text any text
     * @param arena how long it lives
     * @return its bytes and a NUL
     * @throws IllegalArgumentException if there is a NUL in it, where C would end the string
     */
    public static MemorySegment of(String text, Arena arena) {
        return of(bytes(text), arena);
    }

    /**
     * The bytes of text, without a NUL, as {@link #of(String, Arena)} encodes it.
     *
     * @param text any text
     * @return its bytes
     * @throws IllegalArgumentException if there is a NUL in it
     */
    public static byte[] bytes(String text) {
        if (text.indexOf('\0') >= 0)
            throw new IllegalArgumentException("NUL at index " + text.indexOf('\0')
                    + " would end an argument or variable of the child there");
        if (NAMES.newEncoder().canEncode(text))
            return text.getBytes(NAMES);
        if (!StandardCharsets.UTF_8.newEncoder().canEncode(text))
            throw new IllegalArgumentException("half of a surrogate pair is no character, and no bytes stand for it");
        return text.getBytes(StandardCharsets.UTF_8);
    }

    /**
     * Tells whether text is what the JVM makes of bytes that the system hands it.
     *
     * @param text any text
     * @param bytes without a NUL
     * @return true if they may have become this text
     */
    public static boolean isText(String text, byte[] bytes) {
        return text.equals(new String(bytes, NAMES));
    }

    /**
     * Bytes as a C string.
     *
     * @param bytes without a NUL
     * @param arena how long it lives
     * @return the bytes and a NUL
     */
    public static MemorySegment of(byte[] bytes, Arena arena) {
        MemorySegment string = arena.allocate(bytes.length + 1L);
        MemorySegment.copy(bytes, 0, string, JAVA_BYTE, 0, bytes.length);
        return string;
    }

    /** The bytes of an absolute path: its URI has them one by one, and no other public method does. */
    private static byte[] uriBytes(Path path) {
        String quoted = path.toUri().getRawPath();
        byte[] bytes = new byte[quoted.length()];
        int count = 0;
        for (int i = 0; i < quoted.length(); i++) {
            char c = quoted.charAt(i);
            bytes[count++] = c == '%' ? (byte) HexFormat.fromHexDigits(quoted, i + 1, i + 3) : (byte) c;
            i += c == '%' ? 2 : 0;
        }
        // The URI of a directory ends with a slash, a path never does.
        return Arrays.copyOf(bytes, bytes[count - 1] == '/' && count > 1 ? count - 1 : count);
    }

    private static byte[] withoutSlash(byte[] bytes) {
        return Arrays.copyOfRange(bytes, 1, bytes.length);
    }
}
