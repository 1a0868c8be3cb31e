package org.imsg.privsep;

import java.io.IOException;
import java.nio.channels.ClosedChannelException;
import java.time.Duration;
import java.util.Optional;
import java.util.function.Supplier;
import org.imsg.Imsg;
import org.imsg.ImsgTooLargeException;
import org.imsg.privsep.ops.Privileged;
import org.imsg.privsep.rights.Ids;
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
    private final Supplier<Optional<String>> authenticated;

    Peer(String role, int instance, Connection connection) {
        this(role, instance, connection, Optional::empty);
    }

    Peer(String role, int instance, Connection connection, Supplier<Optional<String>> authenticated) {
        this.role = role;
        this.instance = instance;
        this.connection = connection;
        this.authenticated = authenticated;
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
     * The user whose password a child has last shown to this process, its parent, by {@link Privileged#authenticate(String, String, byte[])}. It is known from what
     * PAM said, never from what the child says; {@link ParentProcess#requestAs(String, Ids, Imsg, Duration)} starts a process as this user.
     *
     * @return the name that PAM ended with; empty if the child has shown none, and always in a process that is not its parent
     */
    public Optional<String> authenticated() {
        return authenticated.get();
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
