package org.imsg.harness.debian;

import java.io.IOException;
import java.nio.file.Path;
import org.imsg.WireFormat;

/**
 * OpenNTPD's daemon, without the right to set the clock: it tries once, is refused, and goes on.
 *
 * @param chroot the Debian it comes from
 * @param process the running program
 * @param socket the control socket
 */
public record Ntpd(DebianChroot chroot, PeerProcess process, Path socket) implements PeerDaemon {
    private static final String CONFIG = "/etc/ntpd-imsg.conf";

    /**
     * Starts one with two servers that never answer.
     *
     * @param chroot the Debian it comes from
     * @return the daemon when its processes are ready
     * @throws IOException if it does not start; the message shows its log
     * @throws InterruptedException if interrupted meanwhile; then it is stopped
     */
    public static Ntpd start(DebianChroot chroot) throws IOException, InterruptedException {
        ChrootCommand command = chroot.command("setpriv", "--bounding-set=-sys_time", "--inh-caps=-sys_time",
                "/usr/sbin/ntpd", "-d", "-f", CONFIG).file(CONFIG, "server 127.0.0.1\nserver 127.0.0.2\n");
        boolean runDirectory = SpokenFormat.of("openntpd", chroot.version("openntpd")) == WireFormat.MODERN;
        String socket = runDirectory ? "/run/openntpd/ntpd.sock" : "/var/lib/openntpd/run/ntpd.sock";
        return Start.of(command.start(), process -> {
            Path path = process.awaitListening(socket);
            process.awaitLog("ntp engine ready");
            return new Ntpd(chroot, process, path);
        });
    }

    @Override
    public String packageName() {
        return "openntpd";
    }
}
