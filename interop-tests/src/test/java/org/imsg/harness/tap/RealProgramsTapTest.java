package org.imsg.harness.tap;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.List;
import java.util.ArrayList;

import org.imsg.WireFormat;
import org.imsg.harness.debian.Bgpd;
import org.imsg.harness.debian.ChrootOutcome;
import org.imsg.harness.debian.DebianSuite;
import org.imsg.harness.debian.Smtpd;
import org.imsg.harness.record.Direction;
import org.imsg.harness.record.Event;
import org.imsg.interop.Peers;
import org.imsg.interop.RealPeers;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A tap between real clients and real daemons: neither sees a difference, and the tap sees everything. */
@RealPeers
@Timeout(120)
class RealProgramsTapTest {
    private static final int SHOW_NEIGHBOR = 13;
    private static final int SMTP_SESSION = 35;
    private static final int OK = 1;

    private final List<Event> events = Collections.synchronizedList(new ArrayList<>());

    @ParameterizedTest
    @EnumSource
    void bgpctl_prints_the_same_through_a_tap(DebianSuite suite) throws Exception {
        List<Bgpd.ConfiguredNeighbor> neighbors = List.of(new Bgpd.ConfiguredNeighbor("127.0.0.2", 65002, "upstream"),
                new Bgpd.ConfiguredNeighbor("127.0.0.3", 65003, "exchange"));
        try (Bgpd bgpd = Bgpd.start(Peers.chroot(suite), 65001, neighbors);
                Tap tap = Tap.start(bgpd.process().path("/run/openbgpd/tap.sock"), bgpd.socket(),
                        bgpd.format(),
                        limit(bgpd.format()), events::add)) {
            assertThat(Files.getAttribute(tap.socket(), "unix:mode"))
                    .isEqualTo(Files.getAttribute(bgpd.socket(), "unix:mode"));
            for (String[] arguments : new String[][]{{"show"}, {"show", "neighbor", "127.0.0.2"}, {"-j", "show"},
                    {"show", "rib"}, {"network", "add", "10.1.0.0/16"}, {"reload"}, {"show", "neighbor", "10.9.9.9"}}) {
                ChrootOutcome direct = bgpctl(bgpd, "bgpd.sock.0", arguments);
                ChrootOutcome tapped = bgpctl(bgpd, "tap.sock", arguments);
                assertThat(tapped).as(String.join(" ", arguments)).isEqualTo(direct);
            }
            assertThat(bgpctl(bgpd, "tap.sock", "show").output()).contains("upstream", "exchange");
        }
        assertThat(events).noneMatch(event -> event.kind() == Event.Kind.BYTES);
        assertThat(events).anyMatch(event -> event.kind() == Event.Kind.NOTE && event.note().contains("(bgpctl)"));
        assertThat(events).filteredOn(event -> event.isMessage() && event.type() == SHOW_NEIGHBOR
                && event.direction() == Direction.TO_CLIENT).hasSizeGreaterThanOrEqualTo(2);
    }

    private static ChrootOutcome bgpctl(Bgpd bgpd, String socket, String... arguments) throws Exception {
        List<String> line = new ArrayList<>(List.of("/usr/sbin/bgpctl", "-s", "/run/openbgpd/" + socket));
        line.addAll(List.of(arguments));
        ChrootOutcome outcome = bgpd.process().run(line.toArray(String[]::new));
        // "down for 00:00:01": the second of two calls may see a later second.
        return new ChrootOutcome(outcome.status(), outcome.output().replaceAll("\\d\\d:\\d\\d:\\d\\d", "hh:mm:ss"),
                outcome.errors());
    }

    @ParameterizedTest
    @EnumSource
    void sendmail_gets_its_descriptor_through_a_tap_and_the_mail_arrives(DebianSuite suite) throws Exception {
        try (Smtpd smtpd = Smtpd.start(Peers.chroot(suite))) {
            Path real = smtpd.process().path("/run/smtpd.real");
            Files.move(smtpd.socket(), real);
            try (Tap tap = Tap.start(smtpd.socket(), real, smtpd.format(), limit(smtpd.format()),
                    events::add)) {
                assertThat(tap.socket()).isEqualTo(smtpd.socket());
                ChrootOutcome outcome = smtpd.process().run("/bin/sh", "-c",
                        "printf 'Subject: tapped\\n\\nby way of a tap\\n' | /usr/sbin/sendmail -f root@localhost tuser@localhost");
                assertThat(outcome).isEqualTo(new ChrootOutcome(0, "", ""));
                assertThat(Files.readString(awaitMail(smtpd.delivered()))).contains("Subject: tapped",
                        "by way of a tap");
                assertThat(smtpd.process().run("/usr/sbin/smtpctl", "show", "status").output()).contains("MDA running");
            }
        }
        assertThat(events).filteredOn(event -> event.isMessage() && event.type() == SMTP_SESSION).hasSize(1);
        assertThat(events).filteredOn(event -> event.isMessage() && event.marked()).singleElement()
                .satisfies(answer -> {
                    assertThat(answer.type()).isEqualTo(OK);
                    assertThat(answer.direction()).isEqualTo(Direction.TO_CLIENT);
                    assertThat(answer.descriptors()).singleElement().asString().startsWith("socket:[");
                });
    }

    /** The longest message to be expected. */
    private static int limit(WireFormat format) {
        return format == WireFormat.CLASSIC ? 0xFFFF : 1 << 20;
    }

    /** The first file in a directory that may not be there yet: asks again until the test's own timeout. */
    private static Path awaitMail(Path directory) throws IOException {
        for (;;) {
            if (Files.isDirectory(directory)) {
                try (var mails = Files.list(directory)) {
                    var first = mails.findFirst();
                    if (first.isPresent())
                        return first.get();
                }
            }
            Thread.onSpinWait();
        }
    }
}
