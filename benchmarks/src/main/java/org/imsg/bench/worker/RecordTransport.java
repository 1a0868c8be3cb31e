package org.imsg.bench.worker;

import java.io.EOFException;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.imsg.ImsgChannel;
import org.imsg.ImsgHandler;
import org.imsg.ImsgView;
import org.imsg.unix.Fd;

/** The fast path of {@link ImsgChannel} with a record in each payload: written as a C struct, and read into a new record. */
final class RecordTransport implements WorkerTransport {
    private final Tally tally = new Tally();
    private final ImsgHandler handler = this::take;
    private final ImsgChannel channel;
    private final MemorySegment payload = Arena.ofAuto().allocate(Tick.STRUCT.size(), 8);
    private final int gathered;

    RecordTransport(Job job) throws IOException {
        if (job.size() != Tick.STRUCT.size())
            throw new IllegalArgumentException(Tick.STRUCT + " does not fill " + job.size() + " bytes");
        channel = ImsgChannel.of(Fd.of(job.socket()));
        gathered = job.gathered(ImsgChannel.HEADER_SIZE);
    }

    @Override
    public void send(long count) throws IOException {
        Tick tick = Tick.sample();
        int queued = 0;
        try (ImsgChannel.Batch _ = channel.batch()) {
            for (long k = 0; k < count; k++) {
                Tick.STRUCT.write(tick, payload, 0);
                channel.composev(1, (int) k, 0, payload);
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
        Tick tick = message.getData(Tick.STRUCT);
        tally.messages++;
        tally.sum += Integer.toUnsignedLong(message.id()) + tick.first();
    }

    @Override
    public Tally tally() {
        return tally;
    }
}
