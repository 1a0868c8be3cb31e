package org.imsg.privsep.ops;

import org.imsg.Ibuf;
import org.imsg.Imsg;

/** A signal for what a request with the same peerid has started. No rule is needed for it, and no reply follows. */
record Signal(int signal) implements Operation.Request {
    static final int KILL = 9;
    private static final int HIGHEST = 64;

    @Override
    public int number() {
        return OperationProtocol.SIGNAL - OperationProtocol.FIRST;
    }

    @Override
    public void addTo(Ibuf payload) {
        payload.addN32(signal);
    }

    static Signal read(Imsg message) throws MalformedRequestException {
        Fields fields = Fields.of(message);
        fields.head();
        int signal = fields.n32("signal");
        fields.end();
        if (signal < 1 || signal > HIGHEST)
            throw new MalformedRequestException("a signal is 1 to " + HIGHEST + ", not " + signal);
        return new Signal(signal);
    }
}
