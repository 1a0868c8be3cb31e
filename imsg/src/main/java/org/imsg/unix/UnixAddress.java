package org.imsg.unix;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import org.imsg.sys.Abi;
import org.imsg.sys.NativeString;
import org.imsg.sys.Constants;
import org.imsg.sys.Os;
import org.jspecify.annotations.Nullable;

/**
 * The address a Unix socket is bound to: a path, or on Linux a name in the abstract namespace, which vanishes with its last socket.
 * Immutable.
 */
public final class UnixAddress {
    private static final int PATH_AT = Abi.host().value("sockaddr_un.sun_path:offset");
    private static final int PATH_SIZE = Abi.host().value("sockaddr_un.sun_path:width");

    private final byte[] name;
    private final @Nullable Path path;

    private UnixAddress(byte[] name, @Nullable Path path) {
        this.name = name;
        this.path = path;
    }

    /**
     * Makes an address of a path in the file system.
     *
     * @param path the path; with its terminating NUL it must fit into sockaddr_un, 108 bytes on Linux, 104 elsewhere
     * @return the address
     * @throws IllegalArgumentException if the path is empty or too long; the message has both numbers
     */
    public static UnixAddress of(Path path) {
        byte[] name = path.toString().isEmpty() ? new byte[0] : NativeString.bytes(path);
        if (name.length == 0 || name.length >= PATH_SIZE)
            throw new IllegalArgumentException("a socket's path has 1 to " + (PATH_SIZE - 1) + " bytes, this one "
                    + name.length + ": " + path);
        return new UnixAddress(name, path);
    }

    /** Makes an address of what the kernel gives. */
    static UnixAddress of(MemorySegment address) {
        byte[] name = address.asSlice(Math.min(PATH_AT, address.byteSize())).toArray(JAVA_BYTE);
        if (name.length == 0 || name[0] == 0)
            return new UnixAddress(name, null);
        int end = 0;
        while (end < name.length && name[end] != 0)
            end++;
        byte[] path = Arrays.copyOf(name, end);
        return new UnixAddress(path, NativeString.path(path));
    }

    /**
     * Makes an address of a name in the abstract namespace of Linux.
     *
     * @param name 1 to 107 bytes in UTF-8, without the leading NUL
     * @return the address
     * @throws IllegalArgumentException if the name is empty or too long, or has half of a surrogate pair
     * @throws UnsupportedOperationException if this is not Linux
     */
    public static UnixAddress ofAbstract(String name) {
        if (Os.current() != Os.LINUX)
            throw new UnsupportedOperationException("abstract socket names are Linux's");
        if (!StandardCharsets.UTF_8.newEncoder().canEncode(name))
            throw new IllegalArgumentException("half of a surrogate pair is no character, and no bytes stand for it");
        byte[] bytes = ("\0" + name).getBytes(StandardCharsets.UTF_8);
        if (bytes.length == 1 || bytes.length > PATH_SIZE)
            throw new IllegalArgumentException("an abstract name has 1 to " + (PATH_SIZE - 1) + " bytes, this one "
                    + (bytes.length - 1));
        return new UnixAddress(bytes, null);
    }

    /**
     * Returns the path, if it is one.
     *
     * @return the path, or null for an abstract name
     */
    public @Nullable Path path() {
        return path;
    }

    /**
     * Makes a {@code struct sockaddr_un} of exactly the bytes that count, for bind(2) and connect(2).
     *
     * @param arena how long it lives
     * @return a new segment, as long as the address
     */
    public MemorySegment toNative(Arena arena) {
        // The length tells where an abstract name ends, the NUL where a path does. One that the kernel gave may fill all room.
        int length = PATH_AT + name.length + (path == null || name.length == PATH_SIZE ? 0 : 1);
        MemorySegment address = arena.allocate(length, 2);
        if (Abi.host().value("sockaddr_un.sun_family:width") == 1) {
            address.set(JAVA_BYTE, 0, (byte) length);
            address.set(JAVA_BYTE, 1, (byte) Constants.AF_UNIX);
        } else {
            address.set(JAVA_SHORT, 0, (short) Constants.AF_UNIX);
        }
        MemorySegment.copy(name, 0, address, JAVA_BYTE, PATH_AT, name.length);
        return address;
    }

    @Override
    public String toString() {
        return path != null
                ? path.toString()
                : "@" + new String(name, 1, Math.max(0, name.length - 1), StandardCharsets.UTF_8);
    }
}
