package org.imsg.privsep.ops;

import org.imsg.Ibuf;
import org.imsg.Imsg;

/** A descriptor for the program that the request with the same peerid, which follows, starts. No reply follows. */
record Handed(int descriptor) implements Operation.Request {
    /** Those below are the program's standard streams. */
    static final int FIRST = 3;
    static final int LAST = 255;
    /** The most that a child's requests have, and that wait for more of them. */
    static final int MOST = 16;

    @Override
    public int number() {
        return OperationProtocol.HANDED - OperationProtocol.FIRST;
    }

    @Override
    public void addTo(Ibuf payload) {
        payload.addN8(descriptor);
    }

    static Handed read(Imsg message) throws MalformedRequestException {
        Fields fields = Fields.of(message);
        fields.head();
        Handed handed = new Handed(number(fields));
        fields.end();
        return handed;
    }

    /** Reads the number of a descriptor in the program. */
    static int number(Fields fields) throws MalformedRequestException {
        int number = fields.n8("descriptor");
        if (number < FIRST)
            throw new MalformedRequestException("a descriptor that is handed over is " + FIRST + " to " + LAST
                    + " in the program, not " + number);
        return number;
    }
}
