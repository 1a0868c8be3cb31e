package org.imsg.peers.table;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIOException;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Semaphore;
import java.util.stream.Stream;

import org.imsg.ImsgChannel;
import org.imsg.ImsgListener;
import org.imsg.harness.debian.ChrootCommand;
import org.imsg.harness.debian.DebianChroot;
import org.imsg.harness.debian.DebianSuite;
import org.imsg.harness.debian.PeerProcess;
import org.imsg.harness.debian.Smtpd;
import org.imsg.peers.UnknownVersionException;
import org.imsg.peers.smtpd.SmtpdClient;
import org.imsg.peers.smtpd.SmtpdVersion;
import org.imsg.interop.Peers;
import org.imsg.interop.RealPeers;
import org.imsg.unix.UnixAddress;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Tables in Java under the real smtpd 6.8, and the real table-passwd under our client. */
@RealPeers
@Timeout(120)
class TableServerTest {
    /** Carries the bytes between descriptor 0 and our socket, both ways. */
    private static final String RELAY = """
            #!/usr/bin/perl
            use Socket;
            open(my $smtpd, "+<&=0") or die;
            socket(my $jvm, PF_UNIX, SOCK_STREAM, 0) or die;
            connect($jvm, pack_sockaddr_un("/run/imsg/table.sock")) or die;
            my $both = "";
            vec($both, fileno($_), 1) = 1 for $smtpd, $jvm;
            while (select(my $ready = $both, undef, undef, undef) > 0) {
                for ([$smtpd, $jvm], [$jvm, $smtpd]) {
                    my ($from, $to) = @$_;
                    next unless vec($ready, fileno($from), 1);
                    sysread($from, my $bytes, 65536) or exit 0;
                    while (length $bytes) {
                        my $written = syswrite($to, $bytes) or exit 0;
                        substr($bytes, 0, $written) = "";
                    }
                }
            }
            """;
    /** Connects to our socket and becomes table-passwd with the connection as descriptor 0. */
    private static final String BECOME_TABLE_PASSWD = """
            use Socket;
            socket(my $jvm, PF_UNIX, SOCK_STREAM, 0) or die;
            connect($jvm, pack_sockaddr_un("/run/imsg/table.sock")) or die;
            open(STDIN, "+<&", $jvm) or die;
            close($jvm);
            exec "/usr/libexec/opensmtpd/table-passwd", "/etc/mail-users";
            """;
    private static final String CONFIG = """
            table domains java:/any
            table people java:/any
            listen on socket
            action "local" maildir "/home/%{user.username}/Maildir" alias <people>
            match for domain <domains> action "local"
            """;

    // @start region="server"
    static TableServer start(Path socket, Map<String, String> domains, Map<String, String> people) throws IOException {
        Map<String, Table> tables = Map.of("domains", Table.of(domains), "people", Table.of(people));
        return TableServer.listen(socket, TableVersion.V6_8, tables::get);
    }
    // @end

    @Test
    void smtpd_takes_mail_for_the_domains_and_aliases_of_a_map(@TempDir Path directory) throws Exception {
        DebianChroot chroot = Peers.chroot(DebianSuite.BOOKWORM);
        Map<String, String> people = new ConcurrentHashMap<>(Map.of("moon", "tuser"));
        try (TableServer _ = start(socket(directory), Map.of("sky.example", "sky.example"), people);
                Smtpd smtpd = Smtpd.start(Smtpd.command(chroot, CONFIG)
                        .executable("/usr/libexec/opensmtpd/table-java", RELAY).bind(directory, "/run/imsg"), chroot);
                SmtpdClient client = SmtpdClient.connect(smtpd.socket(), SmtpdVersion.of(smtpd.version()))) {
            client.enqueue("root@localhost", List.of("moon@sky.example"), "Subject: by alias\n\nbody\n");
            assertThat(Files.readString(awaitMail(smtpd.delivered()))).contains("Subject: by alias");
            assertThatIOException()
                    .isThrownBy(() -> client.enqueue("root@localhost", List.of("sun@sky.example"), "x\n"))
                    .withMessageContaining("RCPT TO:<sun@sky.example> with 550");
            assertThatIOException()
                    .isThrownBy(() -> client.enqueue("root@localhost", List.of("moon@sea.example"), "x\n"))
                    .withMessageContaining("RCPT TO:<moon@sea.example> with 550");
            people.put("sun", "tuser");
            client.enqueue("root@localhost", List.of("sun@sky.example"), "Subject: new alias\n\nbody\n");
        }
    }

    @Test
    void smtpctl_has_a_table_updated(@TempDir Path directory) throws Exception {
        DebianChroot chroot = Peers.chroot(DebianSuite.BOOKWORM);
        Semaphore updates = new Semaphore(0);
        Table table = new Table() {
            @Override
            public String lookup(TableKind service, String key) {
                return null;
            }

            @Override
            public boolean update() {
                updates.release();
                return true;
            }
        };
        try (TableServer _ = TableServer.listen(socket(directory), TableVersion.of(chroot.version("opensmtpd")),
                _ -> table);
                Smtpd smtpd = Smtpd.start(Smtpd.command(chroot, CONFIG)
                        .executable("/usr/libexec/opensmtpd/table-java", RELAY).bind(directory, "/run/imsg"),
                        chroot)) {
            assertThat(smtpd.process().run("smtpctl", "update", "table", "people").status()).isZero();
            updates.acquire();
        }
    }

    @Test
    void the_real_table_passwd_answers_our_client(@TempDir Path directory) throws Exception {
        DebianChroot chroot = Peers.chroot(DebianSuite.BOOKWORM);
        try (ImsgListener listener = ImsgListener.at(UnixAddress.of(socket(directory))).mode(0666).listen()) {
            ChrootCommand command = chroot.command("perl", "-e", BECOME_TABLE_PASSWD).bind(directory, "/run/imsg")
                    .file("/etc/mail-users", "moon:secret:1001:1002::/home/moon:\n");
            try (PeerProcess _ = command.start()) {
                ImsgChannel backend = listener.accept();
                try (TableClient table = TableClient.open(backend, TableVersion.V6_8, "passwd")) {
                    assertThat(table.lookup(TableKind.USERINFO, "moon")).contains("1001:1002:/home/moon");
                    assertThat(table.lookup(TableKind.CREDENTIALS, "moon")).contains("moon:secret");
                    assertThat(table.lookup(TableKind.USERINFO, "sun")).isEqualTo(Optional.empty());
                    for (int i = 0; i < 1000; i++)
                        assertThat(table.lookup(TableKind.USERINFO, "moon")).isPresent();
                    assertThat(table.update()).isTrue();
                }
            }
        }
    }

    @Test
    void a_version_whose_tables_speak_otherwise_is_refused_by_name() {
        assertThatExceptionOfType(UnknownVersionException.class).isThrownBy(() -> TableVersion.of("7.6.0p1-1"))
                .withMessage("the table protocol of smtpd 7.6.0p1-1 is not known here, only 6.8.0");
    }

    private static Path socket(Path directory) throws IOException {
        Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString("rwxr-xr-x"));
        return directory.resolve("table.sock");
    }

    private static Path awaitMail(Path directory) throws IOException {
        while (true) {
            if (Files.isDirectory(directory)) {
                try (Stream<Path> files = Files.list(directory)) {
                    Optional<Path> mail = files.findFirst();
                    if (mail.isPresent())
                        return mail.get();
                }
            }
            Thread.onSpinWait();
        }
    }
}
