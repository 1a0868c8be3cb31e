package org.imsg.peers.smtpd;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;

import org.imsg.harness.debian.ChrootOutcome;
import org.imsg.harness.debian.DebianChroot;
import org.imsg.harness.debian.DebianSuite;
import org.imsg.interop.Peers;
import org.imsg.interop.RealPeers;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The real smtpctl and sendmail of each Debian believe our smtpd. */
@RealPeers
@Timeout(120)
class SmtpdServerTest {
    private static final long ENVELOPE = 0x12345678_9abcdef0L;

    // @start region="server"
    /** An smtpd that keeps what it is given, and has one envelope that never leaves. */
    static final class Mailbox implements SmtpdService {
        final BlockingQueue<Mail> mails = new LinkedBlockingQueue<>();
        final Set<Part> paused = EnumSet.noneOf(Part.class);

        @Override
        public void deliver(Mail mail) {
            mails.add(mail);
        }

        @Override
        public List<Envelope> queue() {
            Map<String, String> fields = new LinkedHashMap<>();
            fields.put("version", "3");
            fields.put("type", "mda");
            fields.put("sender", "moon@sky.example");
            fields.put("rcpt", "tuser@localhost");
            fields.put("dest", "tuser@localhost");
            fields.put("smtpname", "localhost");
            fields.put("helo", "localhost");
            fields.put("hostname", "localhost");
            fields.put("ctime", "1700000000");
            fields.put("ttl", "345600");
            fields.put("retry", "0");
            return List.of(new Envelope(ENVELOPE, 0, 1700000100, fields));
        }

        @Override
        public Map<String, Long> statistics() {
            Map<String, Long> counters = new LinkedHashMap<>();
            counters.put("moon.phase", 4711L);
            counters.put("moon.rocks", 382L);
            return counters;
        }

        @Override
        public synchronized Set<Part> paused() {
            return EnumSet.copyOf(paused);
        }

        @Override
        public synchronized boolean pause(Part part, boolean pause) {
            return pause ? paused.add(part) : paused.remove(part);
        }
    }

    static SmtpdServer start(Path socket, String version, SmtpdService service) throws IOException {
        return SmtpdServer.listen(socket, SmtpdVersion.of(version), service);
    }
    // @end

    @ParameterizedTest
    @EnumSource
    void sendmail_hands_its_mail_in_by_our_descriptor(DebianSuite suite, @TempDir Path directory) throws Exception {
        DebianChroot chroot = Peers.chroot(suite);
        Mailbox mailbox = new Mailbox();
        try (SmtpdServer _ = start(socket(directory), chroot.version("opensmtpd"), mailbox)) {
            ChrootOutcome sent = run(chroot, directory,
                    "printf 'Subject: hi\\n\\none\\n.two\\n' | /usr/sbin/sendmail -f moon@sky.example tuser@localhost");
            assertThat(sent).isEqualTo(new ChrootOutcome(0, "", ""));
            Mail mail = mailbox.mails.take();
            assertThat(mail.sender()).isEqualTo("moon@sky.example");
            assertThat(mail.recipients()).containsExactly("tuser@localhost");
            assertThat(mail.text()).contains("Subject: hi\n").endsWith("\n\none\n.two\n");
        }
    }

    @ParameterizedTest
    @EnumSource
    void smtpctl_prints_our_queue_statistics_and_status(DebianSuite suite, @TempDir Path directory) throws Exception {
        DebianChroot chroot = Peers.chroot(suite);
        Mailbox mailbox = new Mailbox();
        try (SmtpdServer _ = start(socket(directory), chroot.version("opensmtpd"), mailbox)) {
            assertThat(smtpctl(chroot, directory, "show status")).isEqualTo("MDA running\nMTA running\nSMTP running\n");
            assertThat(smtpctl(chroot, directory, "pause mta")).isEqualTo("command succeeded\n");
            assertThat(smtpctl(chroot, directory, "show status")).isEqualTo("MDA running\nMTA paused\nSMTP running\n");
            assertThat(run(chroot, directory, "smtpctl pause mta").output()).isEqualTo("command failed\n");
            assertThat(smtpctl(chroot, directory, "resume mta")).isEqualTo("command succeeded\n");
            assertThat(mailbox.paused).isEmpty();
            assertThat(smtpctl(chroot, directory, "show stats")).isEqualTo("moon.phase=4711\nmoon.rocks=382\n");
            assertThat(smtpctl(chroot, directory, "show queue")).startsWith("123456789abcdef0|")
                    .contains("moon@sky.example|tuser@localhost");
            assertThat(smtpctl(chroot, directory, "log verbose")).isEqualTo("command succeeded\n");
        }
    }

    private static Path socket(Path directory) throws IOException {
        Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString("rwxr-xr-x"));
        return directory.resolve("smtpd.sock");
    }

    private static String smtpctl(DebianChroot chroot, Path directory, String command) throws Exception {
        ChrootOutcome outcome = run(chroot, directory, "smtpctl " + command);
        assertThat(outcome.errors()).as(command).isEmpty();
        assertThat(outcome.status()).as(command).isZero();
        return outcome.output();
    }

    private static ChrootOutcome run(DebianChroot chroot, Path directory, String line) throws Exception {
        return chroot.command("sh", "-c", line).bind(directory.resolve("smtpd.sock"), "/run/smtpd.sock").run();
    }
}
