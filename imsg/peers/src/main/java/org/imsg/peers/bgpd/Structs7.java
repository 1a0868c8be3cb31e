package org.imsg.peers.bgpd;

import java.lang.invoke.MethodHandles;
import java.net.InetAddress;
import java.util.List;

import org.imsg.cstruct.At;
import org.imsg.cstruct.Bytes;
import org.imsg.cstruct.CAbi;
import org.imsg.cstruct.CInt;
import org.imsg.cstruct.CName;
import org.imsg.cstruct.CString;
import org.imsg.cstruct.CStruct;
import org.imsg.cstruct.Size;
import org.imsg.cstruct.U32;
import org.imsg.cstruct.U8;
import org.imsg.peers.StructMapping;
import org.jspecify.annotations.Nullable;

/** The structs of bgpd 7.7. */
final class Structs7 {
    private Structs7() {}

    @CName("bgpd_addr")
    @Size(48)
    record Addr(@Bytes(16) byte[] address, @At(28) @U8 int aid) {
        static Addr of(@Nullable InetAddress address) {
            return new Addr(Address.bytes(address), Address.aid(address));
        }

        @Nullable
        InetAddress value() {
            return Address.of(address, aid);
        }

        /** Returns the address; throws {@link IllegalArgumentException} if there is none. */
        InetAddress needed() {
            InetAddress there = value();
            if (there == null)
                throw new IllegalArgumentException("an address of kind 0, where there has to be one");
            return there;
        }
    }

    @Size(1744)
    record Peer(Addr remoteAddr, @At(432) @CString(32) String descr, @At(792) @U32 long remoteAs,
            @At(834) @U8 boolean ebgp, @At(1048) @U32 long prefixCnt, @At(1052) @U32 long prefixOutCnt,
            @At(1716) @CInt int state) {
        static Peer of(Neighbor neighbor) {
            return new Peer(Addr.of(neighbor.address()), neighbor.description(), neighbor.remoteAs(),
                    neighbor.external(), neighbor.prefixesReceived(), neighbor.prefixesSent(),
                    neighbor.state().ordinal());
        }

        Neighbor value() {
            return new Neighbor(remoteAddr.needed(), descr, remoteAs, ebgp, Neighbor.State.of(state), prefixCnt,
                    prefixOutCnt);
        }
    }

    record CtlNeighbor(Addr addr, @CString(32) String descr, @CString(256) String reason, @CInt boolean showTimers,
            @CInt boolean isGroup) {
        static CtlNeighbor of(NeighborQuery query) {
            return new CtlNeighbor(Addr.of(query.address()), query.description(), "", false, false);
        }

        NeighborQuery value() {
            return new NeighborQuery(addr.value(), descr);
        }
    }

    @Size(264)
    record CtlShowRib(@At(96) Addr prefix, @At(144) Addr remoteAddr, @At(192) @CString(32) String descr,
            @At(252) @U32 long flags, @At(256) @U8 int prefixlen, @At(257) @U8 int origin) {
        static CtlShowRib of(Route route) {
            return new CtlShowRib(Addr.of(route.prefix().address()), Addr.of(route.neighbor()), route.description(),
                    route.flags(), route.prefix().length(), route.origin());
        }

        Route value() {
            return new Route(new Prefix(prefix.needed(), prefixlen), remoteAddr.value(), descr, flags, origin,
                    List.of());
        }
    }

    @Size(616)
    record CtlShowRibRequest(@CString(32) String rib, CtlNeighbor neighbor, @At(376) Addr prefix,
            @At(592) @U32 int flags, @At(609) @U8 int prefixlen, @At(610) @U8 int aid) {
        static CtlShowRibRequest of(RibQuery query) {
            Prefix prefix = query.prefix();
            @Nullable
            InetAddress address = prefix == null ? null : prefix.address();
            return new CtlShowRibRequest(query.rib(), CtlNeighbor.of(new NeighborQuery(null, query.neighbor())),
                    Addr.of(address), query.flags(), prefix == null ? 0 : prefix.length(), Address.aid(address));
        }

        RibQuery value() {
            InetAddress address = prefix.value();
            return new RibQuery(rib, neighbor.descr, address == null ? null : new Prefix(address, prefixlen), flags);
        }
    }

    @Size(216)
    record NetworkConfig(Addr prefix, @At(206) @U8 int prefixlen) {
        static NetworkConfig of(Prefix prefix) {
            return new NetworkConfig(Addr.of(prefix.address()), prefix.length());
        }

        Prefix value() {
            return new Prefix(prefix.needed(), prefixlen);
        }
    }

    @Size(200)
    record RdeMemstats(@At(16) long prefixCnt) {}

    static final StructMappings V7_7 = new StructMappings(StructMapping.of(struct(Peer.class), Peer::value, Peer::of),
            StructMapping.of(struct(CtlNeighbor.class), CtlNeighbor::value, CtlNeighbor::of),
            StructMapping.of(struct(CtlShowRib.class), CtlShowRib::value, CtlShowRib::of),
            StructMapping.of(struct(CtlShowRibRequest.class), CtlShowRibRequest::value, CtlShowRibRequest::of),
            StructMapping.of(struct(NetworkConfig.class), NetworkConfig::value, NetworkConfig::of),
            StructMapping.of(struct(RdeMemstats.class), RdeMemstats::prefixCnt, RdeMemstats::new));

    private static <R extends Record> CStruct<R> struct(Class<R> type) {
        return CStruct.of(type, CAbi.X86_64, MethodHandles.lookup());
    }
}
