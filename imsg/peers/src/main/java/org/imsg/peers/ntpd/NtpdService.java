package org.imsg.peers.ntpd;

import java.util.List;

/** What an ntpd knows, for {@link NtpdServer}; asked by several clients at once. */
public interface NtpdService {
    /**
     * What it thinks of the time.
     *
     * @return its status
     */
    NtpStatus status();

    /**
     * The servers it asks.
     *
     * @return each
     */
    default List<NtpPeer> peers() {
        return List.of();
    }

    /**
     * The sensors it reads.
     *
     * @return each
     */
    default List<NtpSensor> sensors() {
        return List.of();
    }
}
