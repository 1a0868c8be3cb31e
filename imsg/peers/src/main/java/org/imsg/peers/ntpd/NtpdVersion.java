package org.imsg.peers.ntpd;

import org.imsg.ImsgChannel;
import org.imsg.WireFormat;
import org.imsg.peers.StructMapping;
import org.imsg.peers.UnknownVersionException;
import org.imsg.peers.Upstream;

/** The versions of ntpd whose structs are known. */
public enum NtpdVersion {
    /** OpenNTPD 6.2, as in Debian 12 and 13. */
    V6_2("6.2p3", WireFormat.CLASSIC, NtpdStructs.STATUS_6),
    /** OpenNTPD 7.9. */
    V7_9("7.9p1", WireFormat.MODERN, NtpdStructs.STATUS_7);

    static final int STATUS = 10;
    static final int PEERS = 11;
    static final int PEERS_END = 12;
    static final int SENSORS = 13;
    static final int SENSORS_END = 14;
    static final int ALL = 15;
    static final int ALL_END = 16;

    private final String name;
    private final WireFormat format;
    final StructMapping<NtpStatus> status;

    NtpdVersion(String name, WireFormat format, StructMapping<NtpStatus> status) {
        this.name = name;
        this.format = format;
        this.status = status;
    }

    /**
     * Finds a version.
     *
     * @param version as a package names it, such as {@code 1:6.2p3-4.2}
     * @return the version
     * @throws UnknownVersionException if its structs are not known here
     */
    public static NtpdVersion of(String version) {
        for (NtpdVersion known : values()) {
            if (known.name.equals(Upstream.of(version)))
                return known;
        }
        throw new UnknownVersionException("ntpd", version, (Object[]) values());
    }

    ImsgChannel prepare(ImsgChannel channel) {
        return channel.format(format);
    }

    /** The version as its authors name it. */
    @Override
    public String toString() {
        return name;
    }
}
