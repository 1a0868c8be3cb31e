package org.imsg.peers.smtpd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIOException;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

import org.imsg.harness.debian.DebianSuite;
import org.imsg.harness.debian.Smtpd;
import org.imsg.peers.UnknownVersionException;
import org.imsg.interop.Peers;
import org.imsg.interop.RealPeers;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The client and the real smtpd of each Debian. */
@RealPeers
@Timeout(120)
class SmtpdClientTest {
    // @start region="client"
    static void send(Path socket, String version, String recipient) throws IOException {
        try (SmtpdClient smtpd = SmtpdClient.connect(socket, SmtpdVersion.of(version))) {
            smtpd.enqueue("root@localhost", List.of(recipient), "Subject: hello\n\nby a passed descriptor\n.dot\n");
        }
    }
    // @end

    @ParameterizedTest
    @EnumSource
    void a_mail_waits_while_delivery_is_paused_and_arrives_when_it_is_resumed(DebianSuite suite) throws Exception {
        try (Smtpd smtpd = Smtpd.start(Peers.chroot(suite)); SmtpdClient client = connect(smtpd)) {
            assertThat(client.paused()).isEmpty();
            assertThat(client.queue()).isEmpty();
            client.pause(Part.MDA);
            assertThat(client.paused()).containsExactly(Part.MDA);
            assertThatExceptionOfType(SmtpdRefusedException.class).isThrownBy(() -> client.pause(Part.MDA))
                    .withMessage("smtpd refused to pause MDA");

            send(smtpd.socket(), smtpd.version(), "tuser@localhost");
            send(smtpd.socket(), smtpd.version(), "tuser@localhost");
            List<Envelope> queue = client.queue();
            assertThat(queue).hasSize(2).allSatisfy(envelope -> assertThat(envelope.fields())
                    .containsEntry("sender", "root@localhost").containsEntry("rcpt", "tuser@localhost"));
            assertThat(queue.get(0).message()).isNotEqualTo(queue.get(1).message());
            assertThat(client.statistics()).containsEntry("scheduler.envelope", 2L);

            client.resume(Part.MDA);
            assertThat(Files.readString(awaitMails(smtpd.delivered(), 2))).contains("Subject: hello",
                    "by a passed descriptor\n.dot\n");
            while (!client.queue().isEmpty()) // told of the delivery a little later
                Thread.onSpinWait();
        }
    }

    @ParameterizedTest
    @EnumSource
    void what_smtpd_refuses_is_an_error_with_its_words(DebianSuite suite) throws Exception {
        try (Smtpd smtpd = Smtpd.start(Peers.chroot(suite)); SmtpdClient client = connect(smtpd)) {
            assertThatIOException()
                    .isThrownBy(() -> client.enqueue("root@localhost", List.of("nobody@elsewhere.example"), "x\n"))
                    .withMessageContaining("RCPT TO:<nobody@elsewhere.example> with 550");
            client.pause(Part.SMTP);
            client.pause(Part.MTA);
            assertThat(client.paused()).containsExactlyInAnyOrder(Part.SMTP, Part.MTA);
            assertThatExceptionOfType(SmtpdRefusedException.class).isThrownBy(client::session);
            client.resume(Part.SMTP);
            client.session().close();
        }
    }

    @Test
    void a_version_nobody_has_looked_up_is_refused_by_name() {
        assertThat(SmtpdVersion.of("6.8.0p2-4+b4")).isSameAs(SmtpdVersion.V6_8);
        assertThatExceptionOfType(UnknownVersionException.class).isThrownBy(() -> SmtpdVersion.of("8.0.0p0-1"))
                .withMessage("smtpd 8.0.0p0-1 is not known here, only 6.8.0p2, 7.6.0p1, 7.9.0p0");
    }

    private static SmtpdClient connect(Smtpd smtpd) throws IOException {
        return SmtpdClient.connect(smtpd.socket(), SmtpdVersion.of(smtpd.version()));
    }

    private static Path awaitMails(Path directory, int count) throws IOException {
        while (true) {
            if (Files.isDirectory(directory)) {
                try (Stream<Path> files = Files.list(directory)) {
                    List<Path> mails = files.toList();
                    if (mails.size() == count)
                        return mails.getFirst();
                }
            }
            Thread.onSpinWait();
        }
    }
}
