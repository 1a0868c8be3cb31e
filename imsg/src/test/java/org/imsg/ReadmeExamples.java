package org.imsg;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import org.imsg.unix.Fd;
import org.imsg.unix.PeerCredentials;

/** What the README shows of the core, word for word: a test holds the two against each other. */
final class ReadmeExamples {
    static final int IMSG_CTL_END = 1;
    static final int IMSG_CTL_RESULT = 12;
    static final int IMSG_CTL_SHOW_NEIGHBOR = 13;
    static final int DESCR_AT = 336;

    static final int OPEN = 1;
    static final int OPENED = 2;
    static final int DENIED = 3;

    // @formatter:off
    void client() throws IOException {
        try (ImsgChannel bgpd = ImsgChannel.connect(Path.of("/var/run/bgpd.sock.0"))) {
            bgpd.send(Imsg.of(IMSG_CTL_SHOW_NEIGHBOR));
            bgpd.replies(Duration.ofSeconds(5), IMSG_CTL_END, IMSG_CTL_RESULT)
                .filter(m -> m.type() == IMSG_CTL_SHOW_NEIGHBOR)
                .forEach(m -> System.out.println(m.getIbuf().skip(DESCR_AT).getString(32)));
        }
    }

    void daemon() throws IOException {
        try (ImsgListener listener = ImsgListener.listen(Path.of("/run/mydaemon.sock"))) { // mode 0600, stale socket replaced
            listener.serve((channel, peer) -> {                           // a virtual thread for each connection
                channel.format(WireFormat.MODERN).allowFdPassing();
                while (channel.read(request -> answer(channel, peer, request)) >= 0) // the messages of one recvmsg
                    channel.flush();                                      // and all the answers in one sendmsg
            });
        }
    }

    void answer(ImsgChannel channel, PeerCredentials peer, ImsgView request) throws IOException {
        if (request.type() != OPEN || peer.uid() != 0) {
            channel.compose(DENIED, request.id(), 0, new byte[0]);
            return;
        }
        try (Fd file = Fd.open(Path.of("/etc/hosts"))) {                  // no longer ours once it is composed
            channel.compose(OPENED, request.id(), 0, file, new byte[0]);
        }
    }
    // @formatter:on
}
