package org.imsg.harness.debian;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** A Debian release whose packages serve as peers. Each has other versions, and so other messages and structs. */
public enum DebianSuite {
    /** Debian 12: CLASSIC everywhere, and the only one whose smtpd runs table backends over imsg. */
    BOOKWORM("opensmtpd-extras"),
    /**
     * Debian 13: OpenBGPD has gone over to MODERN, tmux, OpenNTPD and OpenSMTPD have not. Has Debian's own JDK 25,
     * and the programs of Game of Trees and OpenIKED.
     */
    TRIXIE("openjdk-25-jre-headless", "got", "gotd", "openiked"),
    /** Debian 14, not released at the time of writing, so its versions move: MODERN everywhere. */
    FORKY;

    private final List<String> packages;

    DebianSuite(String... extra) {
        List<String> all = new ArrayList<>(List.of("tmux", "openbgpd", "openntpd", "opensmtpd"));
        all.addAll(List.of(extra));
        packages = List.copyOf(all);
    }

    /** {@return the name apt knows this suite by} */
    public String codename() {
        return name().toLowerCase(Locale.ROOT);
    }

    /** {@return the packages a chroot of this suite is made with, besides the smallest Debian} */
    public List<String> packages() {
        return packages;
    }
}
