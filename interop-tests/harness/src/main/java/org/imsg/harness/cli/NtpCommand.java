package org.imsg.harness.cli;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.imsg.peers.ntpd.NtpPeer;
import org.imsg.peers.ntpd.NtpSensor;
import org.imsg.peers.ntpd.NtpStatus;
import org.imsg.peers.ntpd.NtpdClient;
import org.imsg.peers.ntpd.NtpdVersion;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

@Command(name = "ntp", description = {"Asks OpenNTPD's ntpd what ntpctl asks it.",
        "Versions 6.2p3 and 7.9p1, or a package's such as 1:6.2p3-4.2.",
        "Exit code 1 if ntpd leaves or is silent for ten seconds."}, footer = {"%nExample:%n",
                "  imsg ntp /run/openntpd/ntpd.sock --version 7.9p1 status"})
final class NtpCommand extends DaemonCommand {
    private static final class Actions extends ArrayList<String> {
        private static final long serialVersionUID = 1;

        Actions() {
            super(List.of("status", "peers", "sensors"));
        }
    }

    @Parameters(index = "1", paramLabel = "ACTION", completionCandidates = Actions.class, description = {
            "status: what ntpd thinks of the time; the offset in milliseconds",
            "peers: the servers it asks; times in seconds, offset, delay and jitter in milliseconds",
            "sensors: the sensors it reads; the same units"})
    private String action;

    private interface Question {
        void ask(NtpdClient ntpd) throws IOException;
    }

    @Override
    DaemonRequest request() {
        NtpdVersion known = NtpdVersion.of(version);
        Question question = switch (action) {
            case "status" -> this::status;
            case "peers" -> this::peers;
            case "sensors" -> this::sensors;
            default -> throw unknown(action, new Actions());
        };
        return () -> {
            try (NtpdClient ntpd = NtpdClient.connect(socket, known)) {
                question.ask(ntpd);
            }
            return ExitCode.OK;
        };
    }

    private void status(NtpdClient ntpd) throws IOException {
        NtpStatus status = ntpd.status();
        rows("synced", "stratum", "offset    ", "peers", "validPeers", "sensors", "validSensors", "constraintErrors")
                .add(status.synced(), status.stratum(), status.offset(), status.peers(), status.validPeers(),
                        status.sensors(), status.validSensors(), status.constraintErrors());
    }

    private void peers(NtpdClient ntpd) throws IOException {
        List<NtpPeer> peers = ntpd.peers();
        Rows rows = rows("description                   ", "synced", "weight", "trust", "stratum", "next ", "poll ",
                "offset    ", "delay     ", "jitter");
        for (NtpPeer peer : peers)
            rows.add(peer.description(), peer.synced(), peer.weight(), peer.trust(), peer.stratum(), peer.next(),
                    peer.poll(), peer.offset(), peer.delay(), peer.jitter());
    }

    private void sensors(NtpdClient ntpd) throws IOException {
        List<NtpSensor> sensors = ntpd.sensors();
        Rows rows = rows("description                   ", "synced", "weight", "good ", "stratum", "next ", "poll ",
                "offset    ", "correction");
        for (NtpSensor sensor : sensors)
            rows.add(sensor.description(), sensor.synced(), sensor.weight(), sensor.good(), sensor.stratum(),
                    sensor.next(), sensor.poll(), sensor.offset(), sensor.correction());
    }
}
