package org.imsg.privsep;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.locks.ReentrantLock;
import org.imsg.Imsg;
import org.imsg.TruncatedMessageException;

/** The handlers by type and sender, called one at a time; the call that has waited longest comes first. */
final class Dispatch {
    private record Key(String role, int type) {}

    private static final String ANYBODY = "";

    private final Map<Key, PeerHandler> handlers = new ConcurrentHashMap<>();
    private final ReentrantLock turn = new ReentrantLock(true);
    private final CountDownLatch started = new CountDownLatch(1);
    private final System.Logger log;
    private volatile boolean closed;

    Dispatch(System.Logger log) {
        this.log = log;
    }

    void on(int type, PeerHandler handler) {
        put(new Key(ANYBODY, type), handler);
    }

    void on(String role, int type, PeerHandler handler) {
        put(new Key(role, type), handler);
    }

    private void put(Key key, PeerHandler handler) {
        if (Protocol.isReserved(key.type))
            throw new IllegalArgumentException("types from " + Integer.toUnsignedString(Peer.FIRST_RESERVED_TYPE)
                    + " on are the framework's own: " + Integer.toUnsignedString(key.type));
        if (handlers.putIfAbsent(key, handler) != null)
            throw new IllegalStateException("type " + Integer.toUnsignedString(key.type) + " from "
                    + (key.role.equals(ANYBODY) ? "anybody" : key.role) + " has a handler already");
    }

    /** Lets messages through from now on. */
    void open() {
        started.countDown();
    }

    /** Drops messages from now on. */
    void close() {
        closed = true;
        started.countDown();
    }

    /** Hands a message to its handler, once {@link #open()} was called; throws what the handler throws. */
    void deliver(Peer from, Imsg message) throws Exception {
        started.await();
        if (closed)
            return;
        PeerHandler handler = handlers.get(new Key(from.role(), message.type()));
        if (handler == null)
            handler = handlers.get(new Key(ANYBODY, message.type()));
        if (handler == null)
            throw new ViolationException("no handler is set for " + message + " from " + from);
        turn.lockInterruptibly();
        try {
            handler.message(from, message);
        } catch (TruncatedMessageException e) {
            throw new ViolationException(
                    "the payload of " + message + " from " + from + " is not what its handler reads: "
                            + e.getMessage());
        } finally {
            turn.unlock();
        }
    }

    /** Calls the user's code when it is its turn. */
    void inTurn(UserCode call) throws Exception {
        turn.lockInterruptibly();
        try {
            call.run();
        } finally {
            turn.unlock();
        }
    }

    /** As {@link #inTurn(UserCode)}, for calls that may fail without consequence. */
    void quietlyInTurn(String what, UserCode call) {
        try {
            inTurn(call);
        } catch (Throwable e) {
            log.log(System.Logger.Level.ERROR, what + " failed", e);
        }
    }

    /** Logs a failure in one line, for it is the administrator's to mend most often; the stack is for who asks for it. */
    void tell(String what, Throwable why) {
        log.log(System.Logger.Level.ERROR, what + Printable.line(why));
        log.log(System.Logger.Level.DEBUG, what, why);
    }

    /** A call into the user's code. */
    interface UserCode {
        void run() throws Exception;
    }
}
