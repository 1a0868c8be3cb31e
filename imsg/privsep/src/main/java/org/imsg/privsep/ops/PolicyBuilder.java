package org.imsg.privsep.ops;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** A policy in code, made by {@link Policy#builder}: each method adds the line that says the same. Not safe for two threads at once. */
public final class PolicyBuilder {
    private final List<String> lines = new ArrayList<>();

    PolicyBuilder() {}

    /**
     * Adds a line in the format of the file: for rules with options.
     *
     * @param line the line
     * @return this
     */
    public PolicyBuilder line(String line) {
        lines.add(line);
        return this;
    }

    /**
     * Sets whom the child becomes.
     *
     * @param uid the user, 0 to 4294967294
     * @param gid the group, in the same range
     * @return this
     */
    public PolicyBuilder user(long uid, long gid) {
        return line("user " + uid + ":" + gid);
    }

    /**
     * Sets the child's root.
     *
     * @param directory the directory
     * @return this
     */
    public PolicyBuilder chroot(Path directory) {
        return line("chroot " + quoted(directory.toString()));
    }

    /**
     * Lets a file be opened.
     *
     * @param file the file
     * @param access for what
     * @return this
     */
    public PolicyBuilder open(Path file, Access... access) {
        return line("open " + words(access) + " " + quoted(file.toString()));
    }

    /**
     * Lets every file beneath a directory be opened.
     *
     * @param directory the directory
     * @param access for what
     * @return this
     */
    public PolicyBuilder openBeneath(Path directory, Access... access) {
        return line("open " + words(access) + " " + tree(directory));
    }

    /**
     * Lets a TCP or UDP socket be bound.
     *
     * @param kind TCP or UDP
     * @param addresses address and port as in a file, such as {@code *:80}
     * @return this
     */
    public PolicyBuilder bind(SocketKind kind, String addresses) {
        return line("bind " + kind.word() + " " + quoted(addresses));
    }

    /**
     * Lets a Unix socket be bound, with mode 0600.
     *
     * @param kind UNIX or UNIX_DATAGRAM
     * @param socket its path
     * @return this
     */
    public PolicyBuilder bind(SocketKind kind, Path socket) {
        return bind(kind, socket.toString());
    }

    /**
     * Lets a TCP or UDP socket be connected.
     *
     * @param kind TCP or UDP
     * @param addresses address and port as in a file, such as {@code 10.0.0.0/8:5432}
     * @return this
     */
    public PolicyBuilder connect(SocketKind kind, String addresses) {
        return line("connect " + kind.word() + " " + quoted(addresses));
    }

    /**
     * Lets a Unix socket be connected.
     *
     * @param kind UNIX or UNIX_DATAGRAM
     * @param socket its path
     * @return this
     */
    public PolicyBuilder connect(SocketKind kind, Path socket) {
        return connect(kind, socket.toString());
    }

    /**
     * Lets a program be run, each time under another user.
     *
     * @param firstUid the first of the users, which should be nobody else's
     * @param lastUid the last of them
     * @param under beneath which directory the working directory may be
     * @param program the program
     * @param arguments its arguments; a * is any one, ... at the end any number
     * @return this
     */
    public PolicyBuilder run(long firstUid, long lastUid, Path under, Path program, String... arguments) {
        return line("run users=" + firstUid + "-" + lastUid + " under=" + tree(under) + " "
                + quoted(program.toString()) + Stream.of(arguments).map(argument -> " " + quoted(argument))
                        .collect(Collectors.joining()));
    }

    /**
     * Lets the owner of what lies beneath a directory be changed.
     *
     * @param directory the directory
     * @param fromFirst the first uid whose files may be given away
     * @param fromLast the last of them
     * @param uid whose they may become
     * @param gid and of which group
     * @return this
     */
    public PolicyBuilder chownBeneath(Path directory, long fromFirst, long fromLast, long uid, long gid) {
        return line("chown from=" + fromFirst + "-" + fromLast + " to=" + uid + ":" + gid + " " + tree(directory));
    }

    /**
     * Lets what lies beneath a directory be removed.
     *
     * @param directory the directory, which stays
     * @return this
     */
    public PolicyBuilder removeBeneath(Path directory) {
        return line("remove " + tree(directory));
    }

    /**
     * Lets names be looked up.
     *
     * @param kinds which
     * @return this
     */
    public PolicyBuilder lookup(Lookup... kinds) {
        return line("lookup " + words(kinds).replace(',', ' '));
    }

    /**
     * Lets the clock be set.
     *
     * @param within how far at most from what it shows, in whole seconds
     * @return this
     */
    public PolicyBuilder clock(Duration within) {
        return line("clock within=" + within.toSeconds());
    }

    /**
     * The policy.
     *
     * @return what was put together
     * @throws PolicyException if there are faults in it; line numbers count the calls
     */
    public Policy build() {
        return PolicyReader.read("policy", lines);
    }

    private static String words(Enum<?>... words) {
        return Stream.of(words).map(word -> word.name().toLowerCase(Locale.ROOT)).collect(Collectors.joining(","));
    }

    private static String tree(Path directory) {
        String path = directory.toString();
        return quoted(path.endsWith("/") ? path : path + "/");
    }

    private static String quoted(String word) {
        return Words.quoted(word);
    }
}
