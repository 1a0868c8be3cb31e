package org.imsg.peers.table;

import org.imsg.ImsgChannel;
import org.imsg.WireFormat;
import org.imsg.peers.UnknownVersionException;
import org.imsg.peers.Upstream;

/** The versions of OpenSMTPD whose table backends speak imsg in a form known here. Those from 7.6 on speak lines of text. */
public enum TableVersion {
    /** OpenSMTPD 6.8.0, as in Debian 12. */
    V6_8;

    static final int PROTOCOL = 2;
    static final int OK = 0;
    static final int OPEN = 2;
    static final int CLOSE = 3;
    static final int UPDATE = 4;
    static final int CHECK = 5;
    static final int LOOKUP = 6;
    static final int FETCH = 7;

    /**
     * Finds a version.
     *
     * @param version of OpenSMTPD, as a package names it
     * @return the version
     * @throws UnknownVersionException if its table backends speak otherwise
     */
    public static TableVersion of(String version) {
        if (Upstream.of(version).startsWith("6.8.0"))
            return V6_8;
        throw new UnknownVersionException("the table protocol of smtpd", version, (Object[]) values());
    }

    ImsgChannel prepare(ImsgChannel channel) {
        return channel.format(WireFormat.CLASSIC);
    }

    /** The version as its authors name it. */
    @Override
    public String toString() {
        return "6.8.0";
    }
}
