package org.imsg.privsep.ops;

import java.util.List;
import org.imsg.Ibuf;
import org.imsg.Imsg;
import org.imsg.ImsgTooLargeException;
import org.imsg.unix.Errno;
import org.imsg.unix.ErrnoException;
import org.imsg.unix.Fd;
import org.jspecify.annotations.Nullable;

/** A reply on its way to the child, with its descriptor until that is sent; without a peerid. */
record Answer(int type, Ibuf payload, @Nullable Fd fd) implements AutoCloseable {
    private static final int MOST = 1 << 15;

    static Answer done(List<String> found) {
        return new Answer(OperationProtocol.DONE, Fields.addList(empty(), found), null);
    }

    static Answer absent() {
        return new Answer(OperationProtocol.ABSENT, empty(), null);
    }

    static Answer descriptor(Fd fd) {
        return new Answer(OperationProtocol.DESCRIPTOR, empty(), fd);
    }

    static Answer started(int pid, int uid) {
        return new Answer(OperationProtocol.STARTED, empty().addN32(pid).addN32(Integer.toUnsignedLong(uid)), null);
    }

    static Answer stream(int which, Fd fd) {
        return new Answer(OperationProtocol.STREAM, empty().addN8(which), fd);
    }

    static Answer exited(int code, int signal) {
        return new Answer(OperationProtocol.EXITED, empty().addN32(Integer.toUnsignedLong(code)).addN32(signal), null);
    }

    static Answer expired() {
        return new Answer(OperationProtocol.EXPIRED, empty(), null);
    }

    static Answer malformed(String why) {
        return new Answer(OperationProtocol.MALFORMED, Fields.addString(empty(), LogText.shortened(why)), null);
    }

    static Answer of(Throwable failure) {
        return switch (failure) {
            case RefusedException refused -> new Answer(OperationProtocol.REFUSED,
                    Fields.addString(Fields.addString(empty(), LogText.shortened(refused.rule())),
                            LogText.shortened(refused.reason())),
                    null);
            case ErrnoException errno -> failed(errno.number(), errno.call(), errno.on(), errno.getMessage());
            case ImsgTooLargeException large -> of(new ErrnoException("send", large.getMessage(),
                    Errno.number("EMSGSIZE")));
            default -> failed(0, "", null, failure.getMessage() == null ? failure.toString() : failure.getMessage());
        };
    }

    private static Answer failed(int errno, String call, @Nullable String on, String text) {
        Ibuf payload = empty().addN32(errno);
        Fields.addString(payload, call);
        Fields.addString(payload, on == null ? "" : LogText.shortened(on));
        return new Answer(OperationProtocol.FAILED, Fields.addString(payload, LogText.shortened(text)), null);
    }

    /** What it means for the request, as the last answer. */
    Outcome outcome() {
        return switch (type) {
            case OperationProtocol.REFUSED -> Outcome.REFUSED;
            case OperationProtocol.FAILED -> Outcome.FAILED;
            case OperationProtocol.EXPIRED -> Outcome.EXPIRED;
            default -> Outcome.ALLOWED;
        };
    }

    private static Ibuf empty() {
        return Ibuf.dynamic(64, MOST);
    }

    Imsg toImsg(int peerid) {
        Imsg message = Imsg.of(type, peerid, 0, payload);
        return fd == null ? message : message.withFd(fd);
    }

    @Override
    public void close() {
        payload.close();
        if (fd != null)
            fd.close();
    }
}
