package org.imsg.harness.debian;

import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.imsg.WireFormat;

/** The wire format that a version of a Debian package speaks. */
final class SpokenFormat {
    private static final Pattern VERSION = Pattern.compile("(?:\\d+:)?(\\d+)\\.(\\d+).*");

    /** The version of each program, as major * 1000 + minor, that was the first to speak MODERN. */
    private static final Map<String, Integer> FIRST_MODERN = Map.of("tmux", 3006, "openbgpd", 8007, "openntpd", 7009,
            "opensmtpd", 7007, "frr", Integer.MAX_VALUE);

    private SpokenFormat() {}

    /**
     * Tells what a program of some version speaks.
     *
     * @param packageName its Debian package: tmux, openbgpd, openntpd, opensmtpd or frr
     * @param version its version, as dpkg names it
     * @return CLASSIC or MODERN
     * @throws IllegalArgumentException if the package or the form of the version is not known
     */
    static WireFormat of(String packageName, String version) {
        Integer first = FIRST_MODERN.get(packageName);
        Matcher parts = VERSION.matcher(version);
        if (first == null || !parts.matches()) {
            throw new IllegalArgumentException("what " + packageName + " " + version + " speaks is not known");
        }
        int asNumber = Integer.parseInt(parts.group(1)) * 1000 + Integer.parseInt(parts.group(2));
        return asNumber >= first ? WireFormat.MODERN : WireFormat.CLASSIC;
    }
}
