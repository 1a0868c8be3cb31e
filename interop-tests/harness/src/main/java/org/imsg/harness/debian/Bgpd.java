package org.imsg.harness.debian;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

/**
 * OpenBGPD's daemon, with sessions on its own loopback only and the kernel's routes left alone.
 *
 * @param chroot the Debian it comes from
 * @param process the running program
 * @param socket the control socket that root may do everything on
 * @param restrictedSocket the control socket that only answers questions
 */
public record Bgpd(DebianChroot chroot, PeerProcess process, Path socket, Path restrictedSocket)
        implements
            PeerDaemon {
    private static final String CONFIG = "/etc/bgpd-imsg.conf";
    private static final String SOCKET = "/run/openbgpd/bgpd.sock.0";
    private static final String RESTRICTED = "/run/openbgpd/restricted.sock";

    /**
     * One neighbor of the configuration; it need not exist.
     *
     * @param address its IP address
     * @param as its autonomous system
     * @param description what bgpctl shows it as, at most 31 bytes
     */
    public record ConfiguredNeighbor(String address, long as, String description) {}

    /**
     * Starts one with passive neighbors. It is its own network's 127.0.0.1, port 1179.
     *
     * @param chroot the Debian it comes from
     * @param as its own autonomous system
     * @param neighbors its neighbors, may be empty
     * @return the daemon when all its processes are ready
     * @throws IOException if it does not start; the message shows its log
     * @throws InterruptedException if interrupted meanwhile; then it is stopped
     */
    public static Bgpd start(DebianChroot chroot, long as, List<ConfiguredNeighbor> neighbors)
            throws IOException, InterruptedException {
        StringBuilder config = new StringBuilder("""
                AS %s
                router-id 127.0.0.1
                fib-update no
                listen on 127.0.0.1 port 1179
                """.formatted(as));
        for (ConfiguredNeighbor neighbor : neighbors) {
            config.append("""
                    neighbor %s {
                        remote-as %s
                        descr "%s"
                        passive
                    }
                    """.formatted(neighbor.address(), neighbor.as(), neighbor.description()));
        }
        return start(chroot, config.toString());
    }

    /**
     * Starts one with a configuration of the caller's; the restricted socket is added to it.
     *
     * @param chroot the Debian it comes from
     * @param config lines of bgpd.conf(5), with {@code fib-update no}, at most 127 KiB
     * @return the daemon when all its processes are ready
     * @throws IOException if it does not start; the message shows its log
     * @throws InterruptedException if interrupted meanwhile; then it is stopped
     */
    public static Bgpd start(DebianChroot chroot, String config) throws IOException, InterruptedException {
        return start(chroot, command(chroot, config));
    }

    /**
     * Starts another one of the same suite in the network of this one, so that they can have a session.
     *
     * @param config as for {@link #start(DebianChroot, String)}, listening on another address than this one
     * @return the daemon when all its processes are ready; it ends before this one does
     * @throws IOException if it does not start; the message shows its log
     * @throws InterruptedException if interrupted meanwhile; then it is stopped
     */
    public Bgpd startBeside(String config) throws IOException, InterruptedException {
        return start(chroot, command(chroot, config).networkOf(process));
    }

    private static ChrootCommand command(DebianChroot chroot, String config) {
        return chroot.command("/usr/sbin/bgpd", "-d", "-v", "-f", CONFIG).file(CONFIG,
                config + "\nsocket \"" + RESTRICTED + "\" restricted\n");
    }

    private static Bgpd start(DebianChroot chroot, ChrootCommand command) throws IOException, InterruptedException {
        return Start.of(command.start(), process -> {
            Path socket = process.awaitListening(SOCKET);
            Path restricted = process.awaitListening(RESTRICTED);
            // A request before this is answered from an empty configuration.
            process.awaitLog("RDE soft reconfiguration done");
            return new Bgpd(chroot, process, socket, restricted);
        });
    }

    @Override
    public String packageName() {
        return "openbgpd";
    }
}
