package org.imsg.bench;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * A program that can be either end of a measured pair.
 *
 * @param name as it appears in results
 * @param command the program and what comes before the options
 * @param options further options of this contender alone
 * @param arguments what comes after the role
 * @param inherits whether it takes a connected socket; else it is given a path to meet at
 * @param seen what it looks at in a message it receives
 */
public record Contender(String name, List<String> command, List<String> options, List<String> arguments,
        boolean inherits, Seen seen) {

    /** What a receiver adds up to prove that it looked at each message. */
    public enum Seen {
        /** Nothing. */
        NOTHING,
        /** The payload's first byte. */
        PAYLOAD,
        /** That, and the message's id. */
        PAYLOAD_AND_ID;

        long sum(long count, int size) {
            long payload = this == NOTHING || size == 0 ? 0 : count;
            return this == PAYLOAD_AND_ID ? payload + count * (count - 1) / 2 : payload;
        }
    }

    static Contender c(String name, Path program, Seen seen, String... options) {
        return new Contender(name, List.of(program.toString()), List.of(options), List.of(), true, seen);
    }

    static Contender java(String name, String kind, boolean inherits, Seen seen, String... options) {
        List<String> command = new ArrayList<>(Jvm.worker());
        command.add(kind);
        return new Contender(name, command, List.of(options), List.of(), inherits, seen);
    }

    Contender with(String otherName, String... furtherOptions) {
        List<String> all = new ArrayList<>(options);
        all.addAll(List.of(furtherOptions));
        return new Contender(otherName, command, all, arguments, inherits, seen);
    }

    Contender after(List<String> roleArguments) {
        return new Contender(name, command, options, roleArguments, inherits, seen);
    }

    List<String> commandLine(List<String> common, String role) {
        List<String> line = new ArrayList<>(command);
        line.addAll(common);
        line.addAll(options);
        line.add(role);
        line.addAll(arguments);
        return line;
    }
}
