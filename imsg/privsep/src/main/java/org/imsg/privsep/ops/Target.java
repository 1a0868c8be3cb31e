package org.imsg.privsep.ops;

import java.util.Optional;

/**
 * The paths a rule is about: one file, or with a slash at the end everything beneath a directory, but not the directory
 * itself.
 */
record Target(String path) {
    private static final int LONGEST = 4095;

    /** Where something lies: a trusted directory, and a path beneath it that is not trusted. */
    record Found(String root, String relative) {
        String name() {
            return relative.substring(relative.lastIndexOf('/') + 1);
        }

        @Override
        public String toString() {
            return root.endsWith("/") ? root + relative : root + "/" + relative;
        }
    }

    /** @throws IllegalArgumentException if it is no absolute path */
    static Target parse(String path) {
        String checked = path.length() > 1 && path.endsWith("/") ? path.substring(0, path.length() - 1) : path;
        if (!path.equals("/"))
            fault(checked).ifPresent(fault -> {
                throw new IllegalArgumentException(fault);
            });
        return new Target(path);
    }

    /** What is wrong with a path that is to be looked up beneath a rule's, whose letters decide which rule that is. */
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

    /** Where the path lies if the rule covers it; nowhere if it has a fault. */
    Optional<Found> find(String asked) {
        if (fault(asked).isPresent())
            return Optional.empty();
        if (isTree()) {
            String root = path.length() == 1 ? path : path.substring(0, path.length() - 1);
            return asked.startsWith(path)
                    ? Optional.of(new Found(root, asked.substring(path.length())))
                    : Optional.empty();
        }
        int slash = path.lastIndexOf('/');
        return asked.equals(path)
                ? Optional.of(new Found(slash == 0 ? "/" : path.substring(0, slash), path.substring(slash + 1)))
                : Optional.empty();
    }

    @Override
    public String toString() {
        return path;
    }
}
