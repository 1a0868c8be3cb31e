package org.imsg.interop.tutorial;

import java.io.IOException;
import java.lang.invoke.MethodHandles;
import java.nio.file.Path;

import org.imsg.Imsg;
import org.imsg.ImsgListener;
import org.imsg.WireFormat;
import org.imsg.cstruct.At;
import org.imsg.cstruct.Bytes;
import org.imsg.cstruct.CAbi;
import org.imsg.cstruct.CInt;
import org.imsg.cstruct.CString;
import org.imsg.cstruct.CStruct;
import org.imsg.cstruct.Size;
import org.imsg.cstruct.U32;
import org.imsg.cstruct.U8;

/** A bgpd 8.8 with one neighbor, for bgpctl -s SOCKET show. */
final class MoonBgpd {
    static final int END = 1, SHOW_NEIGHBOR = 13, ESTABLISHED = 6; // enum imsg_type and session_state in bgpd.h

    /** {@code struct peer} of bgpd 8.8 on amd64: 2144 bytes, of which we name those we have something to say in. */
    @Size(2144)
    record Peer(@Bytes(16) byte[] address, @At(52) @U8 int aid, @At(336) @CString(64) String descr,
            @At(760) @U32 long remoteAs, @At(1020) @U32 long prefixes, @At(2112) @CInt int state) {}

    static final CStruct<Peer> PEER = CStruct.of(Peer.class, CAbi.host(), MethodHandles.lookup());
    static final byte[] ADDRESS = {(byte) 192, 0, 2, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
    static final Peer MOON = new Peer(ADDRESS, 1, "moon", 64999, 1234, ESTABLISHED);

    static void serve(ImsgListener listener) throws IOException {
        listener.serve((bgpctl, _) -> {
            bgpctl.format(WireFormat.MODERN);
            for (Imsg request; (request = bgpctl.receive()) != null;) {
                if (request.type() == SHOW_NEIGHBOR)
                    bgpctl.send(Imsg.of(SHOW_NEIGHBOR, PEER.toBytes(MOON)));
                bgpctl.send(Imsg.of(END));
            }
        });
    }

    public static void main(String... arguments) throws IOException {
        try (ImsgListener listener = ImsgListener.listen(Path.of(arguments[0]))) {
            serve(listener);
        }
    }
}
