package org.imsg.privsep.ops;

/** Makes text with a child's words in it fit for a log or an answer. */
final class LogText {
    /** Holds the longest path and a sentence about it. */
    private static final int LONGEST = 5000;

    private LogText() {}

    /** Cuts the end off a text that is too long to read. */
    static String shortened(String text) {
        return text.length() <= LONGEST
                ? text
                : text.substring(0, LONGEST) + "... and " + (text.length() - LONGEST) + " characters more";
    }

    /**
     * Shortens a text and replaces every character that would begin another line of the log, steer a terminal or turn the
     * direction of writing. ASCII is not the only set that has such characters.
     */
    static String oneLine(String text) {
        return shortened(text).replaceAll("[\\p{Cc}\\p{Cf}\\p{Zl}\\p{Zp}]", "?");
    }

    /** The same failure with its stack, its message in one line. */
    static Throwable oneLine(Throwable failure) {
        RuntimeException told = new RuntimeException(oneLine(failure.toString()));
        told.setStackTrace(failure.getStackTrace());
        return told;
    }
}
