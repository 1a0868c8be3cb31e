package org.imsg.privsep.ops;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Optional;
import org.imsg.sys.NativeString;

/**
 * The paths of a rule: one file, or with a slash at the end everything beneath a directory, but not the directory itself.
 *
 * @param mounts whether what is mounted beneath the directory belongs to it
 */
record PolicyPath(String path, boolean mounts) {
    private static final int LONGEST = 4095;

    /**
     * A trusted directory, and a path beneath it that is not trusted.
     *
     * @param mounts whether the path may lead into another file system
     */
    record Place(String root, String relative, boolean mounts) {
        String name() {
            return relative.substring(relative.lastIndexOf('/') + 1);
        }

        @Override
        public String toString() {
            return root.endsWith("/") ? root + relative : root + "/" + relative;
        }
    }

    /** Reads a path of a policy, and throws IllegalArgumentException unless it is absolute. */
    static PolicyPath parse(String path, boolean mounts) {
        String checked = path.length() > 1 && path.endsWith("/") ? path.substring(0, path.length() - 1) : path;
        if (!path.equals("/"))
            fault(checked).ifPresent(fault -> {
                throw new IllegalArgumentException(fault);
            });
        return new PolicyPath(path, mounts);
    }

    /** Reads an absolute path that is one file or directory. */
    static Path single(String path) {
        Optional<String> fault = path.equals("/") ? Optional.empty() : fault(path);
        if (fault.isPresent())
            throw new IllegalArgumentException(fault.get());
        return NativeString.path(path.getBytes(StandardCharsets.UTF_8));
    }

    /** Finds the fault of a path. Rules are compared letter by letter, so a path has one spelling only. */
    static Optional<String> fault(String path) {
        if (!path.startsWith("/"))
            return Optional.of("a path begins with /, not " + path);
        if (path.length() > LONGEST)
            return Optional.of("a path has at most " + LONGEST + " characters, this one " + path.length());
        for (String name : path.substring(1).split("/", -1))
            if (name.isEmpty() || name.equals(".") || name.equals(".."))
                return Optional.of("a path has no empty name, . or .. in it: " + path);
        return Optional.empty();
    }

    boolean isTree() {
        return path.endsWith("/");
    }

    /** Finds the place of a path that the rule covers; a path with a fault has none. */
    Optional<Place> find(String asked) {
        if (fault(asked).isPresent())
            return Optional.empty();
        if (isTree()) {
            String root = path.length() == 1 ? path : path.substring(0, path.length() - 1);
            return asked.startsWith(path)
                    ? Optional.of(new Place(root, asked.substring(path.length()), mounts))
                    : Optional.empty();
        }
        int slash = path.lastIndexOf('/');
        // A line that names one file means whatever is mounted there.
        return asked.equals(path)
                ? Optional.of(new Place(slash == 0 ? "/" : path.substring(0, slash), path.substring(slash + 1),
                        true))
                : Optional.empty();
    }

    @Override
    public String toString() {
        return path;
    }
}
