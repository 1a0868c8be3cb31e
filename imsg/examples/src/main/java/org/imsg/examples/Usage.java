package org.imsg.examples;

import java.util.List;

/** The command line of an example: its words are counted before anything is done with them. */
public final class Usage {
    private static final int WRONG_USAGE = 2;

    /** The arguments, where there are as many as names; else the program says what it takes, on one line, and ends with 2. */
    public static List<String> of(Class<?> program, String names, String... arguments) {
        if (arguments.length != names.split(" ").length) {
            System.err.println("usage: example " + program.getName() + " " + names);
            System.exit(WRONG_USAGE);
        }
        return List.of(arguments);
    }

    private Usage() {}
}
