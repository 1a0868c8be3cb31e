package org.imsg.harness.debian;

import java.nio.file.Path;
import org.imsg.WireFormat;

/** A real daemon that runs and listens on a Unix socket. Its owner closes it; then nothing of it is left. */
public sealed interface PeerDaemon extends AutoCloseable permits Bgpd, Smtpd, Ntpd, TmuxServer {
    /** {@return the Debian it comes from} */
    DebianChroot chroot();

    /** {@return the Debian package it comes from} */
    String packageName();

    /** {@return the running program, for its log, its files and its end} */
    PeerProcess process();

    /** {@return the control socket, to connect to from this JVM while the daemon runs} */
    Path socket();

    /** {@return the version of its package, as dpkg names it} */
    default String version() {
        return chroot().version(packageName());
    }

    /** {@return the format it speaks: CLASSIC or MODERN} */
    default WireFormat format() {
        return SpokenFormat.of(packageName(), version());
    }

    /** Ends the daemon, see {@link PeerProcess#stop()}. */
    @Override
    default void close() {
        process().close();
    }
}
