package org.imsg.netty;

import io.netty.channel.IoEvent;
import io.netty.channel.IoRegistration;
import io.netty.channel.uring.IoUringIoEvent;
import io.netty.channel.uring.IoUringIoHandle;
import io.netty.channel.uring.IoUringIoOps;
import org.imsg.sys.Constants;

/**
 * io_uring(7), for readiness only: one POLL_ADD that fires once for each direction that is wanted, submitted again as long as it
 * is, and one for the end of the peer's output. One that is no longer wanted is left to fire unheard, which costs less than cancelling it.
 */
final class IoUringBinding extends Binding implements IoUringIoHandle {
    /** Netty keeps its own names of these to itself; the kernel's never change. */
    private static final byte IORING_OP_POLL_ADD = 6;
    private static final byte IORING_OP_ASYNC_CANCEL = 14;
    /** Linux's, whatever the machine. */
    private static final int POLLRDHUP = 0x2000;

    /** The id that {@link IoRegistration#submit(io.netty.channel.IoOps)} returned for a poll that has not fired, or 0. */
    private long readPoll;
    private long writePoll;
    private long endPoll;

    private IoUringBinding(ImsgSocketChannel channel) {
        super(channel);
    }

    static Binding of(ImsgSocketChannel channel) {
        return new IoUringBinding(channel);
    }

    @Override
    void submit(IoRegistration to, boolean readBefore, boolean writeBefore) {
        arm();
    }

    private void arm() {
        if (wantsRead() && readPoll == 0)
            readPoll = registration().submit(poll(Constants.POLLIN));
        if (wantsWrite() && writePoll == 0)
            writePoll = registration().submit(poll(Constants.POLLOUT));
        if (watchesEnd() && endPoll == 0)
            endPoll = registration().submit(poll(POLLRDHUP));
    }

    @Override
    void withdraw(IoRegistration from, boolean closing) {
        // The kernel keeps the socket open, and its peer waiting, as long as a poll is in flight.
        if (readPoll != 0)
            from.submit(cancellation(readPoll));
        if (writePoll != 0)
            from.submit(cancellation(writePoll));
        if (endPoll != 0)
            from.submit(cancellation(endPoll));
    }

    @Override
    void report(IoEvent event) {
        IoUringIoEvent completion = (IoUringIoEvent) event;
        if (completion.opcode() != IORING_OP_POLL_ADD)
            return;
        long polled = completion.userData();
        if (polled == Constants.POLLIN)
            readPoll = 0;
        else if (polled == Constants.POLLOUT)
            writePoll = 0;
        else
            endPoll = 0;
        ready(polled == Constants.POLLIN, polled == Constants.POLLOUT, polled == POLLRDHUP);
        arm();
    }

    private IoUringIoOps poll(int events) {
        return new IoUringIoOps(IORING_OP_POLL_ADD, (byte) 0, (short) 0, channel.fd().intValue(), 0, 0, 0, events,
                (long) events, (short) 0, (short) 0, 0, 0);
    }

    private static IoUringIoOps cancellation(long poll) {
        return new IoUringIoOps(IORING_OP_ASYNC_CANCEL, (byte) 0, (short) 0, -1, 0, poll, 0, 0, 0L, (short) 0,
                (short) 0,
                0, 0);
    }
}
