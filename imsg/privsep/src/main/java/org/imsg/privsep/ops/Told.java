package org.imsg.privsep.ops;

/** Text with a child's words in it, made fit for a log or an answer. */
final class Told {
    /** The longest path, and what is said about it. */
    private static final int LONGEST = 5000;

    private Told() {}

    /** Without its end, if it is longer than anybody wants to read. */
    static String shortened(String text) {
        return text.length() <= LONGEST
                ? text
                : text.substring(0, LONGEST) + "... and " + (text.length() - LONGEST) + " characters more";
    }

    /**
     * Short, and without what would begin another line of the log, steer a terminal or turn the direction of writing: not only
     * ASCII has such characters.
     */
    static String oneLine(String text) {
        return shortened(text).replaceAll("[\\p{Cc}\\p{Cf}\\p{Zl}\\p{Zp}]", "?");
    }

    /** The same place in the code, told in one line. */
    static Throwable oneLine(RuntimeException failure) {
        RuntimeException told = new RuntimeException(oneLine(failure.toString()));
        told.setStackTrace(failure.getStackTrace());
        return told;
    }
}
