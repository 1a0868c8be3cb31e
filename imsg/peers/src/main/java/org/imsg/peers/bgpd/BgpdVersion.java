package org.imsg.peers.bgpd;

import org.imsg.ImsgChannel;
import org.imsg.WireFormat;
import org.imsg.peers.UnknownVersionException;
import org.imsg.peers.Upstream;

/** The versions of bgpd whose structs and numbers are known. */
public enum BgpdVersion {
    /** OpenBGPD 7.7, as in Debian 12. */
    V7_7("7.7", WireFormat.CLASSIC, 16384, Structs7.V7_7, 0, 0),
    /** OpenBGPD 8.8, as in Debian 13. */
    V8_8("8.8", WireFormat.MODERN, 131072, Structs8.V8_8, 1, 0),
    /** OpenBGPD 9.3. */
    V9_3("9.3", WireFormat.MODERN, 131072, Structs8.V9_3, 1, 40);

    static final int END = 1;
    static final int RELOAD = 2;
    static final int RESULT = 12;
    static final int SHOW_NEIGHBOR = 13;
    static final int SHOW_RIB = 16;
    static final int SHOW_RIB_PREFIX = 17;

    private final String name;
    private final WireFormat format;
    private final int limit;
    final StructMappings forms;
    final int showRibMem;
    final int showTimer;
    final int logVerbose;
    final int networkAdd;
    final int networkRemove;
    final int networkFlush;
    final int networkDone;
    /** The empty filter that belongs between networkAdd and networkDone; 0 if none is needed. */
    final int filterSet;

    BgpdVersion(String name, WireFormat format, int limit, StructMappings forms, int shift, int filterSet) {
        this.name = name;
        this.format = format;
        this.limit = limit;
        this.forms = forms;
        this.showRibMem = 21 + shift; // 8.x has one more in front of these
        this.showTimer = 23 + shift;
        this.logVerbose = 24 + shift;
        this.networkAdd = 29 + shift;
        this.networkRemove = 32 + shift;
        this.networkFlush = 33 + shift;
        this.networkDone = 34 + shift;
        this.filterSet = filterSet;
    }

    /**
     * Finds a version.
     *
     * @param version as bgpctl or a package names it, such as {@code 8.8} or {@code 8.8-1}
     * @return the version
     * @throws UnknownVersionException if its structs are not known here
     */
    public static BgpdVersion of(String version) {
        for (BgpdVersion known : values()) {
            if (known.name.equals(Upstream.of(version)))
                return known;
        }
        throw new UnknownVersionException("bgpd", version, (Object[]) values());
    }

    /** Sets the format, which must be named for messages this long, and their limit. */
    ImsgChannel prepare(ImsgChannel channel) {
        return channel.format(format).maxSize(limit - ImsgChannel.HEADER_SIZE);
    }

    /** The version as bgpd says it. */
    @Override
    public String toString() {
        return name;
    }
}
