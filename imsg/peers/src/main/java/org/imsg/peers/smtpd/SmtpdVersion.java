package org.imsg.peers.smtpd;

import org.imsg.ImsgChannel;
import org.imsg.WireFormat;
import org.imsg.peers.UnknownVersionException;
import org.imsg.peers.Upstream;

/** The versions of smtpd whose control protocol is known. Its structs are the same in all; how descriptors are marked is not. */
public enum SmtpdVersion {
    /** OpenSMTPD 6.8.0, as in Debian 12. */
    V6_8("6.8.0p2", WireFormat.CLASSIC),
    /** OpenSMTPD 7.6.0, as in Debian 13. */
    V7_6("7.6.0p1", WireFormat.CLASSIC),
    /** OpenSMTPD 7.9.0. */
    V7_9("7.9.0p0", WireFormat.MODERN);

    /** What both sides send as the id of a request, and smtpctl compares. */
    static final int PROTOCOL = 16;

    /** The length that a modern client reads in a header which a classic daemon has marked. */
    static final int CLASSIC_MARK = 1 << 16 | ImsgChannel.HEADER_SIZE;

    static final int OK = 1;
    static final int FAIL = 2;
    static final int STATS = 4;
    static final int LIST_MESSAGES = 5;
    static final int LIST_ENVELOPES = 6;
    static final int SHOW_STATUS = 28;
    static final int UPDATE_TABLE = 31;
    static final int VERBOSE = 32;
    static final int SMTP_SESSION = 35;

    private final String name;
    private final WireFormat format;

    SmtpdVersion(String name, WireFormat format) {
        this.name = name;
        this.format = format;
    }

    /**
     * Finds a version.
     *
     * @param version as a package names it, such as {@code 7.9.0p0-1}
     * @return the version
     * @throws UnknownVersionException if its protocol is not known here
     */
    public static SmtpdVersion of(String version) {
        for (SmtpdVersion known : values()) {
            if (known.name.equals(Upstream.of(version)))
                return known;
        }
        throw new UnknownVersionException("smtpd", version, (Object[]) values());
    }

    /** For an error: a modern daemon's mark is none to a classic client. */
    String markedOtherwise() {
        return format == WireFormat.CLASSIC ? "; if it passed one, it speaks as " + V7_9 + " does, not as " + name : "";
    }

    ImsgChannel prepare(ImsgChannel channel) {
        return channel.format(format).allowFdPassing();
    }

    /** The version as its authors name it. */
    @Override
    public String toString() {
        return name;
    }
}
