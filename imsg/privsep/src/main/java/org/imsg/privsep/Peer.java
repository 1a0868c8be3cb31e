package org.imsg.privsep;

import java.io.IOException;
import java.nio.channels.ClosedChannelException;
import org.imsg.Imsg;
import org.imsg.ImsgTooLargeException;
import org.imsg.unix.ErrnoException;

/**
 * A process of the same program as this one is connected to it: its role is known from the channel, never from what a message
 * says. A process that died and was started again is another peer: check {@link #isConnected()} before reusing a Peer, or call
 * {@link Participant#peer(String)} for the current one. Thread-safe.
 */
public final class Peer {
    /** The role of the parent: {@value}. */
    public static final String PARENT = "parent";
    /** The first type, as an unsigned number, that is the framework's own: 0xFFFF0000. The types below are the program's. */
    public static final int FIRST_RESERVED_TYPE = Protocol.FIRST;

    private final String role;
    private final int instance;
    private final Connection connection;

    Peer(String role, int instance, Connection connection) {
        this.role = role;
        this.instance = instance;
        this.connection = connection;
    }

    /**
     * The role it runs.
     *
     * @return the name given to {@link Privsep#role(String, Supplier)}, or {@link #PARENT}
     */
    public String role() {
        return role;
    }

    /**
     * Which of the role's processes it is.
     *
     * @return 0 or more
     */
    public int instance() {
        return instance;
    }

    /**
     * Whether something sent now has a chance to arrive.
     *
     * @return false once its connection has ended
     */
    public boolean isConnected() {
        return connection.isOpen();
    }

    /**
     * Sends a message: proc_compose. Never waits: a message that does not fit into the socket is queued, and messages leave in order.
     *
     * @param message the message, of a type under {@link #FIRST_RESERVED_TYPE}; its descriptor is this call's:
     *     sent, or closed if it throws
     * @throws PeerGoneException if the connection has ended
     * @throws PeerQueueFullException if the process does not read, and as much is queued for it as may be; a child of this
     *     parent is dealt with as {@link OnViolation} says
     * @throws ImsgTooLargeException if the payload is over 16368 bytes
     * @throws IllegalArgumentException if the type is the framework's own
     * @throws IOException if the write fails, an {@link ErrnoException}: EPIPE when the process has just ended
     */
    public void send(Imsg message) throws IOException {
        try (message) {
            sendOrThrow(message);
        }
    }

    private void sendOrThrow(Imsg message) throws IOException {
        if (Protocol.isReserved(message.type()))
            throw new IllegalArgumentException("types from " + Integer.toUnsignedString(FIRST_RESERVED_TYPE)
                    + " on are the framework's own: " + message);
        try {
            connection.send(message);
        } catch (ClosedChannelException _) {
            throw new PeerGoneException(toString());
        }
    }

    /**
     * Sends a message.
     *
     * @param type the type, under {@link #FIRST_RESERVED_TYPE}
     * @param payload the payload
     * @throws IOException as {@link #send(Imsg)}
     */
    public void send(int type, byte[] payload) throws IOException {
        send(Imsg.of(type, 0, 0, payload));
    }

    Connection connection() {
        return connection;
    }

    @Override
    public String toString() {
        return name(role, instance);
    }

    static String name(String role, int instance) {
        return role.equals(PARENT) ? role : role + "[" + instance + "]";
    }
}
