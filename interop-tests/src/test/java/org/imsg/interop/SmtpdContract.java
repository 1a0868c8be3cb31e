package org.imsg.interop;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

import org.imsg.DescriptorState;
import org.imsg.WireFormat;
import org.imsg.harness.debian.DebianSuite;
import org.imsg.harness.debian.Smtpd;
import org.imsg.unix.Fd;
import org.imsg.unix.FdChannel;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The real smtpd passes a connection to its own SMTP server over its control socket: one descriptor a request. */
@RealPeers
@Timeout(120)
abstract class SmtpdContract {
    /** The protocol's version, which smtpctl sends as the id. */
    private static final int VERSION = 16;
    private static final int OK = 1;
    private static final int FAIL = 2;
    private static final int PAUSE_MDA = 15;
    private static final int RESUME_MDA = 22;
    private static final int SMTP_SESSION = 35;

    abstract Transport.Kind kind();

    @ParameterizedTest
    @EnumSource(names = {"BOOKWORM", "FORKY"})
    void a_mail_given_to_the_descriptor_of_a_session_is_queued_and_delivered(DebianSuite suite) throws Exception {
        try (Smtpd smtpd = Smtpd.start(Peers.chroot(suite));
                Transport control = kind().connect(smtpd.socket(), Transport.Settings.of(WireFormat.AUTO))) {
            System.out.println("peers: smtpd " + smtpd.version() + " on " + suite);
            assertThat(ask(control, PAUSE_MDA).type()).isEqualTo(OK);
            assertThat(ask(control, PAUSE_MDA).type()).as("pausing what is paused").isEqualTo(FAIL);

            Message session = ask(control, SMTP_SESSION);
            assertThat(session.type()).isEqualTo(OK);
            assertThat(session.descriptor()).isEqualTo(DescriptorState.PRESENT);
            submit(session.fd(), "a mail by way of a passed descriptor");

            assertThat(smtpd.process().run("/usr/sbin/smtpctl", "show", "queue").output()).contains("tuser@localhost");
            assertThat(smtpd.delivered()).satisfiesAnyOf(directory -> assertThat(directory).doesNotExist(),
                    directory -> assertThat(directory).isEmptyDirectory());
            assertThat(ask(control, RESUME_MDA).type()).isEqualTo(OK);
            assertThat(Files.readString(awaitMail(smtpd.delivered())))
                    .contains("a mail by way of a passed descriptor");
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"BOOKWORM", "FORKY"})
    void a_hundred_requests_sent_at_once_are_answered_with_a_hundred_descriptors(DebianSuite suite) throws Exception {
        try (Smtpd smtpd = Smtpd.start(Peers.chroot(suite));
                Transport control = kind().connect(smtpd.socket(), Transport.Settings.of(WireFormat.AUTO))) {
            for (int i = 0; i < 100; i++)
                control.send(SMTP_SESSION, VERSION, 0, null, new byte[0]);
            List<FdChannel> sessions = new ArrayList<>();
            try {
                for (int i = 0; i < 100; i++) {
                    Message answer = control.receive();
                    assertThat(answer.descriptor()).as("answer %d", i).isEqualTo(DescriptorState.PRESENT);
                    sessions.add(new FdChannel(answer.fd()));
                }
                // Each is a session of its own: the last greets, too.
                assertThat(new Smtp(sessions.getLast()).reply()).startsWith("220 ");
            } finally {
                for (FdChannel session : sessions)
                    session.close();
            }
        }
    }

    private static Message ask(Transport control, int type) throws IOException {
        control.send(type, VERSION, 0, null, new byte[0]);
        return control.receive();
    }

    private static void submit(Fd session, String subject) throws IOException {
        try (FdChannel channel = new FdChannel(session)) {
            Smtp smtp = new Smtp(channel);
            assertThat(smtp.reply()).startsWith("220 ");
            assertThat(smtp.say("EHLO localhost")).startsWith("250 ");
            assertThat(smtp.say("MAIL FROM:<root@localhost>")).startsWith("250 ");
            assertThat(smtp.say("RCPT TO:<tuser@localhost>")).startsWith("250 ");
            assertThat(smtp.say("DATA")).startsWith("354 ");
            assertThat(smtp.say("Subject: " + subject + "\r\n\r\nbody\r\n.")).startsWith("250 ");
            assertThat(smtp.say("QUIT")).startsWith("221 ");
        }
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
