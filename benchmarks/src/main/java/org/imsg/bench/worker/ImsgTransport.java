package org.imsg.bench.worker;

import java.io.EOFException;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import org.imsg.ImsgChannel;
import org.imsg.ImsgHandler;
import org.imsg.ImsgView;
import org.imsg.WireFormat;
import org.imsg.unix.Fd;

/** The fast path of {@link ImsgChannel}: compose and flush, and views in place. */
final class ImsgTransport implements WorkerTransport {
    private final Tally tally = new Tally();
    private final ImsgHandler handler = this::take;
    private final ImsgChannel channel;
    private final Fd carried;
    private final byte[] payload;
    private final int gathered;
    private final int every;

    ImsgTransport(Job job) throws IOException {
        channel = ImsgChannel.of(Fd.of(job.socket())).format(WireFormat.MODERN).allowFdPassing();
        channel.spinBeforeWaiting(Duration.ofNanos(job.spinMicros() * 1000L));
        carried = Fd.open(Path.of("/dev/null"));
        payload = job.payload();
        gathered = job.gathered(ImsgChannel.HEADER_SIZE);
        every = job.every();
    }

    @Override
    public void send(long count) throws IOException {
        int queued = 0;
        try (ImsgChannel.Batch _ = channel.batch()) {
            for (long k = 0; k < count; k++) {
                Fd fd = every > 0 && k % every == 0 ? carried.dup() : null;
                channel.compose(1, (int) k, 0, fd, payload);
                if (++queued == gathered) {
                    channel.flush();
                    queued = 0;
                }
            }
            channel.flush();
        }
    }

    @Override
    public void receive(long count) throws IOException {
        long until = tally.messages + count;
        while (tally.messages < until)
            if (channel.read(handler) < 0)
                throw new EOFException();
    }

    private void take(ImsgView message) {
        tally.messages++;
        tally.sum += Integer.toUnsignedLong(message.id());
        if (message.length() > 0)
            tally.sum += message.getN8(0);
        if (every == 0)
            return;
        Fd fd = message.takeFd();
        if (fd != null) {
            tally.descriptors++;
            fd.close();
        }
    }

    @Override
    public Tally tally() {
        return tally;
    }
}
