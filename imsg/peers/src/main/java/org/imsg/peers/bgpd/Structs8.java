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

/** The structs of bgpd 8.8 and 9.3, which differ in three. */
final class Structs8 {
    private Structs8() {}

    @CName("bgpd_addr")
    @Size(72)
    record Addr(@Bytes(16) byte[] address, @At(52) @U8 int aid) {
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

    @CName("peer")
    @Size(2144)
    record Peer88(Addr remoteAddr, @At(336) @CString(64) String descr, @At(760) @U32 long remoteAs,
            @At(808) @U8 boolean ebgp, @At(1020) @U32 long prefixCnt, @At(1024) @U32 long prefixOutCnt,
            @At(2112) @CInt int state) {
        static Peer88 of(Neighbor neighbor) {
            return new Peer88(Addr.of(neighbor.address()), neighbor.description(), neighbor.remoteAs(),
                    neighbor.external(), neighbor.prefixesReceived(), neighbor.prefixesSent(),
                    neighbor.state().ordinal());
        }

        Neighbor value() {
            return new Neighbor(remoteAddr.needed(), descr, remoteAs, ebgp, Neighbor.State.of(state), prefixCnt,
                    prefixOutCnt);
        }
    }

    @CName("peer")
    @Size(1624)
    record Peer93(Addr remoteAddr, @At(336) @CString(64) String descr, @At(760) @U32 long remoteAs,
            @At(810) @U8 boolean ebgp, @At(1312) @U32 long prefixCnt, @At(1316) @U32 long prefixOutCnt,
            @At(1608) @CInt int state) {
        static Peer93 of(Neighbor neighbor) {
            return new Peer93(Addr.of(neighbor.address()), neighbor.description(), neighbor.remoteAs(),
                    neighbor.external(), neighbor.prefixesReceived(), neighbor.prefixesSent(),
                    neighbor.state().ordinal());
        }

        Neighbor value() {
            return new Neighbor(remoteAddr.needed(), descr, remoteAs, ebgp, Neighbor.State.of(state), prefixCnt,
                    prefixOutCnt);
        }
    }

    record CtlNeighbor(Addr addr, @CString(64) String descr, @CString(256) String reason, @CInt boolean showTimers,
            @CInt boolean isGroup) {
        static CtlNeighbor of(NeighborQuery query) {
            return new CtlNeighbor(Addr.of(query.address()), query.description(), "", false, false);
        }

        NeighborQuery value() {
            return new NeighborQuery(addr.value(), descr);
        }
    }

    @Size(392)
    record CtlShowRib(@At(144) Addr prefix, @At(216) Addr remoteAddr, @At(288) @CString(64) String descr,
            @At(380) @U32 long flags, @At(384) @U8 int prefixlen, @At(385) @U8 int origin) {
        static CtlShowRib of(Route route) {
            return new CtlShowRib(Addr.of(route.prefix().address()), Addr.of(route.neighbor()), route.description(),
                    route.flags(), route.prefix().length(), route.origin());
        }

        Route value() {
            return new Route(new Prefix(prefix.needed(), prefixlen), remoteAddr.value(), descr, flags, origin,
                    List.of());
        }
    }

    @Size(728)
    record CtlShowRibRequest(@CString(64) String rib, CtlNeighbor neighbor, @At(464) Addr prefix,
            @At(704) @U32 int flags, @At(721) @U8 int prefixlen, @At(722) @U8 int aid) {
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

    @CName("network_config")
    @Size(240)
    record Network88(Addr prefix, @At(230) @U8 int prefixlen) {
        static Network88 of(Prefix prefix) {
            return new Network88(Addr.of(prefix.address()), prefix.length());
        }

        Prefix value() {
            return new Prefix(prefix.needed(), prefixlen);
        }
    }

    @CName("network_config")
    @Size(248)
    record Network93(Addr prefix, @At(238) @U8 int prefixlen) {
        static Network93 of(Prefix prefix) {
            return new Network93(Addr.of(prefix.address()), prefix.length());
        }

        Prefix value() {
            return new Prefix(prefix.needed(), prefixlen);
        }
    }

    @CName("rde_memstats")
    @Size(288)
    record Memstats88(@At(16) long prefixCnt) {}

    @CName("rde_memstats")
    @Size(528)
    record Memstats93(@At(16) long prefixCnt) {}

    private static final StructMapping<NeighborQuery> NEIGHBOR_QUERY = StructMapping.of(struct(CtlNeighbor.class),
            CtlNeighbor::value,
            CtlNeighbor::of);
    private static final StructMapping<Route> ROUTE = StructMapping.of(struct(CtlShowRib.class), CtlShowRib::value,
            CtlShowRib::of);
    private static final StructMapping<RibQuery> RIB_QUERY = StructMapping.of(struct(CtlShowRibRequest.class),
            CtlShowRibRequest::value,
            CtlShowRibRequest::of);

    static final StructMappings V8_8 = new StructMappings(
            StructMapping.of(struct(Peer88.class), Peer88::value, Peer88::of), NEIGHBOR_QUERY, ROUTE,
            RIB_QUERY, StructMapping.of(struct(Network88.class), Network88::value, Network88::of),
            StructMapping.of(struct(Memstats88.class), Memstats88::prefixCnt, Memstats88::new));
    static final StructMappings V9_3 = new StructMappings(
            StructMapping.of(struct(Peer93.class), Peer93::value, Peer93::of), NEIGHBOR_QUERY, ROUTE,
            RIB_QUERY, StructMapping.of(struct(Network93.class), Network93::value, Network93::of),
            StructMapping.of(struct(Memstats93.class), Memstats93::prefixCnt, Memstats93::new));

    private static <R extends Record> CStruct<R> struct(Class<R> type) {
        return CStruct.of(type, CAbi.X86_64, MethodHandles.lookup());
    }
}
