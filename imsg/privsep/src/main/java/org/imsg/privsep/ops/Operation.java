package org.imsg.privsep.ops;

import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.function.Function;
import org.imsg.Ibuf;

/**
 * One privileged operation. Its file has the request with its fields, the rule with its line of a policy, and the work that the
 * parent does; {@link Operations} lists them all.
 *
 * @param effect the trace that it leaves
 * @param number its request's number on the wire: the type is {@link OperationProtocol#FIRST} and this
 * @param word the first word of its lines
 * @param parser reads a request's fields
 * @param line reads the rest of a line
 * @param work performs a request that a rule allows
 */
record Operation<Q extends Operation.Request, R extends Operation.Rule<Q>>(Effect effect, int number, String word,
        Parser<Q> parser, Function<PolicyLine, R> line, Work<Q, R> work) {
    /** The trace that an operation leaves. */
    enum Effect {
        /** Nothing: the parent need not wait for it when the child is gone. */
        NONE,
        /** A change outside the parent. */
        CHANGE,
        /** Something that goes on, with a thread of its own, and takes signals. */
        GOES_ON
    }

    /** A request of a child. */
    interface Request {
        /** Its number on the wire. */
        int number();

        /** Adds its fields. */
        void addTo(Ibuf payload);

        /** The paths in it that rules are compared with. */
        default List<String> paths() {
            return List.of();
        }

        /** The type of its message. */
        default int type() {
            return OperationProtocol.FIRST + number();
        }

        /** The payload of its message. */
        default Ibuf payload(Duration deadline, int max) {
            Ibuf payload = Ibuf.dynamic(64, max);
            payload.addN8(OperationProtocol.VERSION).addN32(Math.min(0xFFFF_FFFFL, deadline.toMillis()));
            addTo(payload);
            return payload;
        }
    }

    /** The requests that one line of a policy allows. */
    interface Rule<Q> {
        Verdict verdict(Q request);
    }

    interface Parser<Q> {
        Q read(Fields fields) throws MalformedRequestException;
    }

    interface Work<Q, R> {
        Answer perform(Permit<Q, R> permit) throws IOException;
    }

    /** The type of its request's message. */
    int type() {
        return OperationProtocol.FIRST + number;
    }

    boolean goesOn() {
        return effect == Effect.GOES_ON;
    }

    /** Performs a request that this operation has read, under a rule that this operation has read. */
    @SuppressWarnings("unchecked")
    Answer perform(Permit<?, ?> permit) throws IOException {
        return work.perform((Permit<Q, R>) permit);
    }
}
