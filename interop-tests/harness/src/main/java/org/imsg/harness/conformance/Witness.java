package org.imsg.harness.conformance;

import java.io.IOException;
import java.net.SocketTimeoutException;
import java.time.Duration;
import org.imsg.harness.stream.Chunk;
import org.imsg.harness.stream.RawSocket;
import org.imsg.unix.Fd;

/** Tells whether a passed descriptor was closed: the other end of a socketpair sees the end of the stream then. */
final class Witness implements AutoCloseable {
    private final RawSocket kept;
    private final Fd passed;

    Witness() throws IOException {
        Fd.Pair pair = Fd.socketpair();
        kept = RawSocket.of(pair.first());
        passed = pair.second();
    }

    /** To be passed. */
    Fd passed() {
        return passed;
    }

    /** After the client has left: no process may have it any more, nor have written through it if that is not allowed. */
    void mustBeClosed(Duration patience, boolean writing) throws IOException, CaseClient.Failed {
        passed.close();
        try {
            boolean ended = false;
            while (!ended)
                ended = endOrBytes(patience, writing);
        } catch (SocketTimeoutException _) {
            throw new CaseClient.Failed("a descriptor is still open in the daemon " + patience.toMillis()
                    + " ms after its client has left");
        }
    }

    private boolean endOrBytes(Duration patience, boolean writing) throws IOException, CaseClient.Failed {
        try (Chunk chunk = kept.receive(patience)) {
            if (chunk != null && !writing)
                throw new CaseClient.Failed("the daemon wrote " + chunk.bytes().length
                        + " bytes through a descriptor that it should not have kept");
            return chunk == null;
        }
    }

    @Override
    public void close() {
        passed.close();
        kept.close();
    }
}
