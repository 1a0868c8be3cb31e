package org.imsg.harness.cli;

/** What the program ends with; compiled for an older Java, as {@link Launcher} is. */
final class ExitCode {
    /** All is well. */
    static final int OK = 0;
    /** The peer did otherwise than it should: a failed case, a difference, no answer in time. */
    static final int DIFFERENT = 1;
    /** The command line, or a description or script, is wrong. */
    static final int USAGE = 2;
    /** It could not be done: no such socket, a file that cannot be read. */
    static final int FAILED = 3;
    /** The peer sent what cannot be a message. */
    static final int PROTOCOL = 4;

    private ExitCode() {}
}
