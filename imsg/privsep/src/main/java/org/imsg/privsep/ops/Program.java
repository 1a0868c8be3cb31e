package org.imsg.privsep.ops;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.imsg.unix.Fd;

/** Describes a program that runs under another user. Immutable: each method returns another one. */
public final class Program {
    private final Path path;
    private final List<String> arguments;
    private final List<String> environment;
    private final String directory;
    private final String user;
    private final Duration time;
    private final Map<Integer, Fd> descriptors;

    private Program(Path path, List<String> arguments, List<String> environment, String directory, String user,
            Duration time,
            Map<Integer, Fd> descriptors) {
        this.path = path;
        this.arguments = arguments;
        this.environment = environment;
        this.directory = directory;
        this.user = user;
        this.time = time;
        this.descriptors = descriptors;
    }

    /**
     * Describes a program with the environment of its rule, in the root directory.
     *
     * @param path its path, exactly as in the rule
     * @param arguments its arguments, without its name
     * @return the program
     */
    public static Program of(Path path, String... arguments) {
        return new Program(path, List.of(arguments), List.of(), "", "", Duration.ZERO, Map.of());
    }

    /**
     * Sets the working directory.
     *
     * @param path the directory, which the rule must allow
     * @return another program
     */
    public Program directory(Path path) {
        return new Program(this.path, arguments, environment, path.toString(), user, time, descriptors);
    }

    /**
     * Sets the user that it runs as, for a rule with {@code as=}.
     *
     * @param name the user's name
     * @return another program
     */
    public Program as(String name) {
        return new Program(path, arguments, environment, directory, name, time, descriptors);
    }

    /**
     * Sets a variable of the environment.
     *
     * @param name its name, which the rule must allow
     * @param value its value
     * @return another program
     */
    public Program environment(String name, String value) {
        List<String> more = new ArrayList<>(environment);
        more.add(name + "=" + value);
        return new Program(path, arguments, List.copyOf(more), directory, user, time, descriptors);
    }

    /**
     * Sets a time after which the program is killed.
     *
     * @param limit the time; the rule may have a shorter one. Zero for the time of the rule, or none
     * @return another program
     * @throws IllegalArgumentException if it is negative
     */
    public Program time(Duration limit) {
        if (limit.isNegative())
            throw new IllegalArgumentException("a time is 0 or more, not " + limit);
        return new Program(path, arguments, environment, directory, user, limit, descriptors);
    }

    /**
     * Hands the program a descriptor besides its standard streams: a socket, a pipe or a file, no directory.
     *
     * @param number its number in the program, 3 to 255, which the rule must allow
     * @param fd the descriptor; duplicated when the program is run, it stays the caller's
     * @return another program
     * @throws IllegalArgumentException if the number is out of range, or there are 16 descriptors already
     */
    public Program descriptor(int number, Fd fd) {
        Map<Integer, Fd> more = new TreeMap<>(descriptors);
        more.put(number, fd);
        if (number < Handed.FIRST || number > Handed.LAST || more.size() > Handed.MOST)
            throw new IllegalArgumentException("up to " + Handed.MOST + " descriptors are " + Handed.FIRST + " to "
                    + Handed.LAST + " in the program, not " + more.keySet());
        return new Program(path, arguments, environment, directory, user, time, more);
    }

    Map<Integer, Fd> descriptors() {
        return descriptors;
    }

    Duration time() {
        return time;
    }

    RunProgram request() {
        return new RunProgram(path.toString(), arguments, environment, directory, user,
                List.copyOf(descriptors.keySet()));
    }

    @Override
    public String toString() {
        return path + " " + arguments;
    }
}
