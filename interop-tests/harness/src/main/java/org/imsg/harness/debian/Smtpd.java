package org.imsg.harness.debian;

import java.io.IOException;
import java.nio.file.Path;

/**
 * OpenSMTPD's daemon, delivering to the user {@code tuser} of its own chroot only.
 *
 * @param chroot the Debian it comes from
 * @param process the running program
 * @param socket the control socket
 */
public record Smtpd(DebianChroot chroot, PeerProcess process, Path socket) implements PeerDaemon {
    private static final String CONFIG = "/etc/smtpd-imsg.conf";
    private static final String SOCKET = "/run/smtpd.sock";

    /**
     * Starts one that takes mail for {@code tuser@localhost} by its control socket only.
     *
     * @param chroot the Debian it comes from
     * @return the daemon when it listens
     * @throws IOException if it does not start; the message shows its log
     * @throws InterruptedException if interrupted meanwhile; then it is stopped
     */
    public static Smtpd start(DebianChroot chroot) throws IOException, InterruptedException {
        return start(command(chroot, """
                listen on socket
                action "local" maildir "/home/%{user.username}/Maildir"
                match for local action "local"
                """), chroot);
    }

    /**
     * Describes one with a configuration of the caller's, who may add files, such as table backends, before
     * {@link #start(ChrootCommand, DebianChroot)}.
     *
     * @param chroot the Debian it comes from
     * @param config smtpd.conf(5), at most 128 KiB
     * @return the command
     */
    public static ChrootCommand command(DebianChroot chroot, String config) {
        return chroot.command("/usr/sbin/smtpd", "-d", "-f", CONFIG).file(CONFIG, config);
    }

    /**
     * Starts one that {@link #command(DebianChroot, String)} described.
     *
     * @param command the command
     * @param chroot the Debian the command belongs to
     * @return the daemon when it listens
     * @throws IOException if it does not start; the message shows its log
     * @throws InterruptedException if interrupted meanwhile; then it is stopped
     */
    public static Smtpd start(ChrootCommand command, DebianChroot chroot) throws IOException, InterruptedException {
        return Start.of(command.start(),
                process -> new Smtpd(chroot, process, process.awaitListening(SOCKET)));
    }

    /** {@return the directory where mail delivered to tuser appears, one file each; made with the first} */
    public Path delivered() {
        return process.path("/home/tuser/Maildir/new");
    }

    @Override
    public String packageName() {
        return "opensmtpd";
    }
}
