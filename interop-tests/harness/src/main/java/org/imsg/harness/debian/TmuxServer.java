package org.imsg.harness.debian;

import java.io.IOException;
import java.nio.file.Path;

/**
 * A tmux server that stays in the foreground. It has terminals to give to panes.
 *
 * @param chroot the Debian it comes from
 * @param process the running program
 * @param socket where clients connect
 */
public record TmuxServer(DebianChroot chroot, PeerProcess process, Path socket) implements PeerDaemon {
    private static final String SOCKET = "/run/tmux.sock";

    /**
     * Starts one without configuration and without sessions.
     *
     * @param chroot the Debian it comes from
     * @return the server when it listens
     * @throws IOException if it does not start; the message shows its log
     * @throws InterruptedException if interrupted meanwhile; then it is stopped
     */
    public static TmuxServer start(DebianChroot chroot) throws IOException, InterruptedException {
        return Start.of(chroot.command("/usr/bin/tmux", "-S", SOCKET, "-f", "/dev/null", "-D").start(),
                process -> new TmuxServer(chroot, process, process.awaitListening(SOCKET)));
    }

    /**
     * Runs the real client against this server.
     *
     * @param arguments a tmux command and its arguments
     * @return how the client ended
     * @throws IOException if it cannot be started, or has not ended after two minutes
     * @throws InterruptedException if interrupted while it runs; it is killed
     */
    public ChrootOutcome client(String... arguments) throws IOException, InterruptedException {
        String[] line = new String[arguments.length + 3];
        line[0] = "/usr/bin/tmux";
        line[1] = "-S";
        line[2] = SOCKET;
        System.arraycopy(arguments, 0, line, 3, arguments.length);
        return process.run(line);
    }

    @Override
    public String packageName() {
        return "tmux";
    }
}
