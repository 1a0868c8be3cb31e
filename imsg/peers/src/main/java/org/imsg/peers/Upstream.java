package org.imsg.peers;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The version a program's authors gave it. */
public final class Upstream {
    private static final Pattern PACKAGED = Pattern.compile("(?:\\d+:)?([0-9][0-9a-z.]*).*");

    private Upstream() {}

    /**
     * Takes what a distribution adds off a version.
     *
     * @param packaged such as {@code 1:8.8-1+deb13u1}, or {@code 8.8} itself
     * @return {@code 8.8}; a version without such a form is returned as it is
     */
    public static String of(String packaged) {
        Matcher matcher = PACKAGED.matcher(packaged);
        return matcher.matches() ? matcher.group(1) : packaged;
    }
}
