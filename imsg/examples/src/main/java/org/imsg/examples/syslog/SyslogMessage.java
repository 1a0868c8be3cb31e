package org.imsg.examples.syslog;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.nio.ByteBuffer;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** A message as RFC 3164 has it, from whoever cared to send it: anything is one. */
record SyslogMessage(int facility, int severity, String text) {
    private static final Pattern FORM = Pattern.compile("<(\\d{1,3})>(.*)", Pattern.DOTALL);
    private static final int HIGHEST = 191;
    /** user.notice, for what does not say. */
    private static final int USUAL = 13;
    private static final List<String> FACILITIES = List.of("kern", "user", "mail", "daemon", "auth", "syslog", "lpr",
            "news",
            "uucp", "cron", "authpriv", "ftp");
    private static final List<String> SEVERITIES = List.of("emerg", "alert", "crit", "err", "warning", "notice", "info",
            "debug");

    static SyslogMessage parse(ByteBuffer datagram) {
        Matcher form = FORM.matcher(UTF_8.decode(datagram));
        if (form.matches() && Integer.parseInt(form.group(1)) <= HIGHEST)
            return of(Integer.parseInt(form.group(1)), form.group(2));
        return of(USUAL, UTF_8.decode(datagram.rewind()).toString());
    }

    /**
     * A character that could end a line, steer a terminal or turn the direction of writing is shown as a question mark. A stranger who
     * speaks for the kernel is a user.
     */
    private static SyslogMessage of(int priority, String text) {
        return new SyslogMessage(Math.max(priority / 8, FACILITIES.indexOf("user")), priority % 8,
                text.strip().replaceAll("[\\p{Cc}\\p{Cf}\\p{Zl}\\p{Zp}]", "?"));
    }

    boolean isLogin() {
        return FACILITIES.indexOf("auth") == facility || FACILITIES.indexOf("authpriv") == facility;
    }

    String line(Instant received) {
        String name = facility < FACILITIES.size() ? FACILITIES.get(facility) : "facility" + facility;
        return received.truncatedTo(ChronoUnit.SECONDS) + " " + name + "." + SEVERITIES.get(severity) + " " + text
                + "\n";
    }
}
