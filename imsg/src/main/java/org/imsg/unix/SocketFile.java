package org.imsg.unix;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.net.SocketTimeoutException;
import java.nio.file.Files;
import java.time.Duration;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.imsg.sys.Abi;
import org.imsg.sys.Constants;
import org.imsg.sys.Directories;
import org.imsg.sys.NativeString;
import org.jspecify.annotations.Nullable;

/** The file of a listening socket: made with it, and removed if it is still the same one. */
final class SocketFile {
    private static final int PERMISSIONS = 07777;

    private final Path path;
    private final List<Object> identity;

    private SocketFile(Path path) throws IOException {
        this.path = path;
        this.identity = identity();
    }

    /** A listening socket, and its file unless it is bound to an abstract name. */
    record Listening(Fd socket, @Nullable SocketFile file) {
        /** Removes the file and closes the socket: it will not be listened at. */
        void close() throws IOException {
            remove(socket, file);
        }
    }

    private static void remove(Fd socket, @Nullable SocketFile file) throws IOException {
        try (socket) {
            if (file != null)
                file.remove();
        }
    }

    /** Binds and listens. Leaves nothing behind if that fails. */
    static Listening listen(UnixAddress address, int mode, int backlog, boolean replaceStale) throws IOException {
        if (address.path() == null)
            return listen(Sockets.bind(address, mode), null, address, mode, backlog);
        Listening listening = null;
        try (PathLock _ = PathLock.take(address.path())) {
            Fd socket = bind(address, mode, replaceStale);
            return listening = listen(socket, of(address.path(), socket), address, mode, backlog);
        } catch (IOException | RuntimeException | Error e) {
            if (listening != null)
                listening.close();
            throw e;
        }
    }

    private static SocketFile of(Path path, Fd socket) throws IOException {
        try {
            return new SocketFile(path);
        } catch (IOException | RuntimeException | Error e) {
            try (socket) {
                Files.deleteIfExists(path);
            }
            throw e;
        }
    }

    private static Listening listen(Fd socket, @Nullable SocketFile file, UnixAddress address, int mode, int backlog)
            throws IOException {
        try {
            if (file != null)
                file.setMode(mode);
            Sockets.listen(socket, address, backlog);
            return new Listening(socket, file);
        } catch (IOException | RuntimeException | Error e) {
            remove(socket, file);
            throw e;
        }
    }

    private static Fd bind(UnixAddress address, int mode, boolean replaceStale) throws IOException {
        try {
            return Sockets.bind(address, mode);
        } catch (ErrnoException e) {
            if (e.number() != Constants.EADDRINUSE || !replaceStale || !removeStale(address))
                throw e;
            return Sockets.bind(address, mode);
        }
    }

    /** Removes a socket that refuses connections, and no other file. Returns false if the path is still taken. */
    private static boolean removeStale(UnixAddress address) throws IOException {
        Map<String, Object> seen = attributes(address.path());
        if (seen.isEmpty())
            return true;
        if (((int) seen.get("mode") & Constants.S_IFMT) != Constants.S_IFSOCK || !refuses(address))
            return false;
        // The time of the last change tells a new file from an old one that had its inode.
        return seen.equals(attributes(address.path())) && Files.deleteIfExists(address.path());
    }

    private static boolean refuses(UnixAddress address) throws IOException {
        try {
            Sockets.connect(address, Duration.ZERO).close();
            return false;
        } catch (ErrnoException e) {
            return e.number() == Constants.ECONNREFUSED;
        } catch (SocketTimeoutException _) {
            return false;
        }
    }

    /**
     * A file system that keeps no modes refuses to change one, even to what it is. No link is followed: in a directory that
     * others can write to, one may stand in place of the socket by now.
     */
    private void setMode(int mode) throws IOException {
        if (attributes(path).get("mode") instanceof Integer there && (there & PERMISSIONS) == mode)
            return;
        int result;
        try (Arena arena = Arena.ofConfined()) {
            result = Directories.fchmodat(-1, NativeString.of(path.toAbsolutePath(), arena).address(), mode,
                    Abi.host().value("AT_SYMLINK_NOFOLLOW"));
        }
        // The C library may need /proc for it, and a filter of system calls may not know its newest form.
        if (result < 0 && attributes(path).get("mode") instanceof Integer there
                && (there & Constants.S_IFMT) == Constants.S_IFSOCK && identity.equals(identity()))
            Files.setPosixFilePermissions(path, permissions(mode));
        else
            ErrnoException.check("fchmodat", path, result);
    }

    private static Set<PosixFilePermission> permissions(int bits) {
        Set<PosixFilePermission> permissions = EnumSet.noneOf(PosixFilePermission.class);
        PosixFilePermission[] fromOwnerRead = PosixFilePermission.values();
        for (int i = 0; i < fromOwnerRead.length; i++)
            if ((bits & 0400 >> i) != 0)
                permissions.add(fromOwnerRead[i]);
        return permissions;
    }

    /** Removes the file. While the socket is open its inode cannot be another file's, so the two numbers tell which it is. */
    void remove() throws IOException {
        if (!identity.isEmpty() && identity.equals(identity()))
            Files.deleteIfExists(path);
    }

    private List<Object> identity() throws IOException {
        Map<String, Object> attributes = attributes(path);
        return attributes.isEmpty() ? List.of() : List.of(attributes.get("dev"), attributes.get("ino"));
    }

    /** Empty if there is no such file. */
    private static Map<String, Object> attributes(Path path) throws IOException {
        try {
            return Files.readAttributes(path, "unix:dev,ino,mode,ctime", LinkOption.NOFOLLOW_LINKS);
        } catch (NoSuchFileException _) {
            return Map.of();
        }
    }
}
