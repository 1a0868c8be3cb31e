package org.imsg.interop.tutorial;

import java.io.IOException;
import java.lang.invoke.MethodHandles;
import java.nio.file.Path;
import java.time.Duration;

import org.imsg.Imsg;
import org.imsg.ImsgChannel;
import org.imsg.cstruct.CAbi;
import org.imsg.cstruct.CString;
import org.imsg.cstruct.CStruct;
import org.imsg.cstruct.TimeT;
import org.imsg.cstruct.U8;

/** Prints which servers an ntpd asks, as ntpctl -s peers does. */
final class NtpPeers {
    static final int SHOW_PEERS = 11, SHOW_PEERS_END = 12; // enum imsg_type in ntpd.h

    /** {@code struct ctl_show_peer} in ntpd.h, member by member. */
    record ShowPeer(@CString(80) String desc, @U8 boolean synced, @U8 int weight, @U8 int trust, @U8 int stratum,
            @TimeT long next, @TimeT long poll, double offset, double delay, double jitter) {}

    static final CStruct<ShowPeer> SHOW_PEER = CStruct.of(ShowPeer.class, CAbi.host(), MethodHandles.lookup());

    public static void main(String... arguments) throws IOException {
        try (ImsgChannel ntpd = ImsgChannel.connect(Path.of(arguments[0]))) {
            ntpd.send(Imsg.of(SHOW_PEERS));
            ntpd.replies(Duration.ofSeconds(5), SHOW_PEERS_END)
                    .filter(message -> message.type() == SHOW_PEERS)
                    .map(message -> message.getData(SHOW_PEER))
                    .forEach(peer -> System.out.printf("%s: stratum %d, trust %d, next in %d s%n", peer.desc(),
                            peer.stratum(), peer.trust(), peer.next()));
        }
    }
}
