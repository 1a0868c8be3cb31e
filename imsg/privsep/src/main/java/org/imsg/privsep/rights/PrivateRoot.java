package org.imsg.privsep.rights;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.FileSystemLoopException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.imsg.sys.NativeString;
import org.imsg.sys.Constants;
import org.imsg.sys.LinuxSyscalls;

/**
 * A root directory of a child's own, in memory, in which only chosen paths of the machine appear, under the names they have
 * outside; mounts below them do not. The child's mount namespace holds it, and it is gone with the child: nothing is made or left on
 * disk. A description: immutable, each method gives a new one.
 */
public final class PrivateRoot {
    /** Exists wherever a JVM runs, and nothing below it is shown. */
    private static final String BASE = "/proc";
    private static final String OLD = "/.outside";
    private static final int READ_ONLY = 1;
    private static final int NO_SET_ID = 2;
    private static final int NO_DEVICES = 4;
    private static final int NO_EXEC = 8;
    private static final int REMOUNT = 32;
    private static final int BIND = 4096;
    private static final int RECURSIVE = 16384;
    private static final int PRIVATE = 1 << 18;
    private static final int DETACH = 2;
    private static final int AT_FDCWD = -100;
    private static final int REGULAR = 0x8000;

    /** Linux follows no more in one path. */
    private static final int MOST_LINKS = 40;

    private enum Kind {
        READ_ONLY, READ_WRITE, MEMORY, PROCESSES, DEVICE
    }

    /** For temporary files of an ordinary program. */
    private static final long USUAL_MEMORY = 64L << 20;
    /** A file takes memory although nothing is in it. */
    private static final long BYTES_A_FILE = 4096;
    private static final long FEWEST_FILES = 16;

    /** How a place is shown; the bytes are those that may be written into memory. */
    private record Place(Kind kind, long bytes) {}

    private final Map<Path, Place> places;

    private PrivateRoot(Map<Path, Place> places) {
        this.places = places;
    }

    /**
     * An empty root.
     *
     * @return a root with nothing in it
     */
    public static PrivateRoot empty() {
        return new PrivateRoot(Map.of());
    }

    /**
     * A root in which this JVM can run this class path: both, the system's libraries, {@code /proc} with the processes of the
     * child's user only, {@code /dev/null}, {@code /dev/zero}, {@code /dev/random} and {@code /dev/urandom}, the time zone, and an
     * empty {@code /tmp} of its own.
     *
     * @return such a root
     */
    public static PrivateRoot java() {
        PrivateRoot root = empty();
        for (Path path : JavaPaths.readOnly())
            root = root.readOnly(path);
        root = root.with(Path.of("/proc"), Kind.PROCESSES).memory(Path.of("/tmp"));
        for (String device : List.of("null", "zero", "random", "urandom"))
            root = root.with(Path.of("/dev", device), Kind.DEVICE);
        return root;
    }

    /**
     * Shows a file or a directory and what is below it, not to be written.
     *
     * @param path it, absolute; symbolic links on the way are shown too
     * @return a root with it
     * @throws IllegalArgumentException if it is not absolute, or lies in {@code /proc}
     */
    public PrivateRoot readOnly(Path path) {
        return with(path, Kind.READ_ONLY);
    }

    /**
     * Shows a file or a directory and what is below it, to be written as its permissions allow.
     *
     * @param path it, absolute; symbolic links on the way are shown too
     * @return a root with it
     * @throws IllegalArgumentException if it is not absolute, or lies in {@code /proc}
     */
    public PrivateRoot readWrite(Path path) {
        return with(path, Kind.READ_WRITE);
    }

    /**
     * Has an empty directory of 64 MiB in memory, writable by every user in the child, and gone with it.
     *
     * @param path where, absolute
     * @return a root with it
     * @throws IllegalArgumentException if it is not absolute, or lies in {@code /proc}
     */
    public PrivateRoot memory(Path path) {
        return memory(path, USUAL_MEMORY);
    }

    /**
     * Has an empty directory in memory, as {@link #memory(Path)}, of another size. The files there are no process's
     * own memory: no limit of a process bounds them.
     *
     * @param path where, absolute
     * @param bytes the most that its files take together, 1 or more. It has 16 files, or one for every 4096 bytes if those are more
     * @return a root with it
     * @throws IllegalArgumentException if it is not absolute, or lies in {@code /proc}, or for less than a byte
     */
    public PrivateRoot memory(Path path, long bytes) {
        if (bytes < 1)
            throw new IllegalArgumentException("a directory in memory has 1 byte or more, not " + bytes);
        return with(path, Kind.MEMORY, bytes);
    }

    private PrivateRoot with(Path path, Kind kind) {
        return with(path, kind, 0);
    }

    private PrivateRoot with(Path path, Kind kind, long bytes) {
        if (!path.isAbsolute() || path.startsWith(BASE) != (kind == Kind.PROCESSES))
            throw new IllegalArgumentException(
                    "a path of a private root is absolute and not within " + BASE + ", unlike " + path);
        Map<Path, Place> more = new LinkedHashMap<>(places);
        more.put(path.normalize(), new Place(kind, bytes));
        return new PrivateRoot(more);
    }

    /** The steps that make it the root of the thread, which has a mount namespace of its own. */
    List<Step> steps(Arena arena) throws PrivilegeException {
        Builder steps = new Builder(arena);
        steps.mount("none", Path.of("/"), "none", RECURSIVE | PRIVATE, "");
        steps.mount("tmpfs", Path.of(BASE), "tmpfs", NO_SET_ID | NO_DEVICES, options(755, USUAL_MEMORY));
        // A place within another comes after it, or it would be covered.
        List<Path> outermostFirst = places.keySet().stream().sorted(Comparator.comparingInt(Path::getNameCount))
                .toList();
        for (Path place : outermostFirst) {
            try {
                steps.show(place, places.get(place));
            } catch (IOException e) {
                throw new PrivilegeException("private root", e);
            }
        }
        steps.directory(Path.of(OLD));
        steps.call("pivot_root", BASE, steps.string(BASE), steps.string(BASE + OLD));
        steps.call("chdir", "/", steps.string("/"));
        steps.call("umount2", OLD, steps.string(OLD), DETACH);
        steps.call("unlinkat", OLD, AT_FDCWD, steps.string(OLD), 0x200);
        steps.mount("none", Path.of("/"), "none", REMOUNT | READ_ONLY | NO_SET_ID | NO_DEVICES, "");
        return steps.list;
    }

    private static String options(int mode, long bytes) {
        return "mode=" + mode + ",size=" + bytes + ",nr_inodes=" + Math.max(bytes / BYTES_A_FILE, FEWEST_FILES);
    }

    private static final class Builder {
        private final Arena arena;
        private final List<Step> list = new ArrayList<>();
        private final Set<Path> made = new LinkedHashSet<>(Set.of(Path.of("/")));

        Builder(Arena arena) {
            this.arena = arena;
        }

        void show(Path path, Place place) throws IOException {
            switch (place.kind) {
                case MEMORY -> {
                    directory(path);
                    mount("tmpfs", inside(path), "tmpfs", NO_SET_ID | NO_DEVICES, options(1777, place.bytes));
                }
                case PROCESSES -> {
                    directory(path);
                    mount("proc", inside(path), "proc", NO_SET_ID | NO_DEVICES | NO_EXEC, "hidepid=2");
                }
                case DEVICE -> bind(path, NO_SET_ID);
                case READ_ONLY -> bind(resolved(path), NO_SET_ID | NO_DEVICES | READ_ONLY);
                case READ_WRITE -> bind(resolved(path), NO_SET_ID | NO_DEVICES);
            }
        }

        /** The path without symbolic links, each of which is made in the new root as it is outside. */
        private Path resolved(Path path) throws IOException {
            return resolved(path, MOST_LINKS);
        }

        private Path resolved(Path path, int links) throws IOException {
            if (links < 0)
                throw new FileSystemLoopException(path.toString());
            Path real = Path.of("/");
            for (Path name : path) {
                Path next = real.resolve(name);
                if (!Files.isSymbolicLink(next)) {
                    real = next;
                    continue;
                }
                Path target = Files.readSymbolicLink(next);
                directory(real);
                if (made.add(next))
                    call("symlinkat", next, string(target), AT_FDCWD, string(inside(next)));
                real = resolved(real.resolve(target).normalize(), links - 1);
            }
            return real;
        }

        private void bind(Path path, int flags) throws IOException {
            if (Files.isDirectory(path)) {
                directory(path);
            } else {
                path.getFileSystem().provider().checkAccess(path);
                directory(path.getParent());
                if (made.add(path))
                    unlessThere("mknodat", path, REGULAR | 0644);
            }
            mount(string(path), inside(path), "none", BIND, "");
            mount("none", inside(path), "none", BIND | REMOUNT | flags, "");
        }

        void directory(Path path) {
            if (path == null || !made.add(path))
                return;
            directory(path.getParent());
            unlessThere("mkdirat", path, 0755);
        }

        /** It is there already if what holds it is shown. */
        private void unlessThere(String call, Path path, long mode) {
            list.add(new Step.Unless(Step.Call.of(call, path, AT_FDCWD, string(inside(path)), mode),
                    Constants.EEXIST));
        }

        void mount(String source, Path target, String type, int flags, String options) {
            mount(string(source), target, type, flags, options);
        }

        private void mount(long source, Path target, String type, int flags, String options) {
            list.add(new Step.Call("mount", target, LinuxSyscalls.host().number("mount"), source, string(target),
                    string(type), flags, string(options)));
        }

        void call(String name, Object on, long... arguments) {
            list.add(Step.Call.of(name, on, arguments));
        }

        long string(String text) {
            return arena.allocateFrom(text).address();
        }

        private long string(Path path) {
            return NativeString.of(path, arena).address();
        }

        /** The place of a path in the new root, before that is the root. */
        private static Path inside(Path path) {
            return Path.of(BASE).resolve(Path.of("/").relativize(path));
        }
    }
}
