package org.imsg.peers.ntpd;

import java.lang.invoke.MethodHandles;

import org.imsg.cstruct.CAbi;
import org.imsg.cstruct.CInt;
import org.imsg.cstruct.CName;
import org.imsg.cstruct.CString;
import org.imsg.cstruct.CStruct;
import org.imsg.cstruct.TimeT;
import org.imsg.cstruct.U32;
import org.imsg.cstruct.U8;
import org.imsg.peers.StructMapping;

/** The structs of ntpd. The status has been turned round between 6.2 and 7.9; peers and sensors are the same. */
final class NtpdStructs {
    static final StructMapping<NtpStatus> STATUS_6 = StructMapping.of(struct(Status6.class), Status6::value,
            Status6::of);
    static final StructMapping<NtpStatus> STATUS_7 = StructMapping.of(struct(Status7.class), Status7::value,
            Status7::of);
    static final StructMapping<NtpPeer> PEER = StructMapping.of(struct(CtlShowPeer.class), CtlShowPeer::value,
            CtlShowPeer::of);
    static final StructMapping<NtpSensor> SENSOR = StructMapping.of(struct(CtlShowSensor.class), CtlShowSensor::value,
            CtlShowSensor::of);
    static final CStruct<Count> COUNT = struct(Count.class);

    private NtpdStructs() {}

    record Count(@CInt int count) {}

    @CName("ctl_show_status")
    record Status6(@U32 long peercnt, @U32 long sensorcnt, @U32 long validPeers, @U32 long validSensors,
            @U8 boolean synced, @U8 int stratum, double clockOffset, @TimeT long constraintMedian,
            @TimeT long constraintLast, @U32 long constraintErrors) {
        static Status6 of(NtpStatus status) {
            return new Status6(status.peers(), status.sensors(), status.validPeers(), status.validSensors(),
                    status.synced(), status.stratum(), status.offset(), status.constraintMedian(),
                    status.constraintLast(), status.constraintErrors());
        }

        NtpStatus value() {
            return new NtpStatus(peercnt, validPeers, sensorcnt, validSensors, synced, stratum, clockOffset,
                    constraintMedian, constraintLast, constraintErrors);
        }
    }

    @CName("ctl_show_status")
    record Status7(@TimeT long constraintMedian, @TimeT long constraintLast, double clockOffset, @U32 long peercnt,
            @U32 long sensorcnt, @U32 long validPeers, @U32 long validSensors, @U32 long constraintErrors,
            @U8 boolean synced, @U8 int stratum, @U8 boolean constraints) {
        static Status7 of(NtpStatus status) {
            return new Status7(status.constraintMedian(), status.constraintLast(), status.offset(), status.peers(),
                    status.sensors(), status.validPeers(), status.validSensors(), status.constraintErrors(),
                    status.synced(), status.stratum(), status.constraintMedian() != 0);
        }

        NtpStatus value() {
            return new NtpStatus(peercnt, validPeers, sensorcnt, validSensors, synced, stratum, clockOffset,
                    constraintMedian, constraintLast, constraintErrors);
        }
    }

    record CtlShowPeer(@CString(80) String peerDesc, @U8 boolean syncedto, @U8 int weight, @U8 int trustlevel,
            @U8 int stratum, @TimeT long next, @TimeT long poll, double offset, double delay, double jitter) {
        static CtlShowPeer of(NtpPeer peer) {
            return new CtlShowPeer(peer.description(), peer.synced(), peer.weight(), peer.trust(), peer.stratum(),
                    peer.next(), peer.poll(), peer.offset(), peer.delay(), peer.jitter());
        }

        NtpPeer value() {
            return new NtpPeer(peerDesc, syncedto, weight, trustlevel, stratum, next, poll, offset, delay, jitter);
        }
    }

    record CtlShowSensor(@CString(80) String sensorDesc, @U8 boolean syncedto, @U8 int weight, @U8 boolean good,
            @U8 int stratum, @TimeT long next, @TimeT long poll, double offset, double correction) {
        static CtlShowSensor of(NtpSensor sensor) {
            return new CtlShowSensor(sensor.description(), sensor.synced(), sensor.weight(), sensor.good(),
                    sensor.stratum(), sensor.next(), sensor.poll(), sensor.offset(), sensor.correction());
        }

        NtpSensor value() {
            return new NtpSensor(sensorDesc, syncedto, weight, good, stratum, next, poll, offset, correction);
        }
    }

    private static <R extends Record> CStruct<R> struct(Class<R> type) {
        return CStruct.of(type, CAbi.X86_64, MethodHandles.lookup());
    }
}
