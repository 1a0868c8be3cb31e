package org.imsg.unix;

/**
 * Serves one connection of a listener, on a virtual thread of its own.
 *
 * @param <C> the connection, such as an {@code ImsgChannel}
 */
@FunctionalInterface
public interface ConnectionHandler<C> {
    /**
     * Serves a connection to its end.
     *
     * @param connection the connection; closed when this returns or throws
     * @param peer the ids the kernel vouches for
     * @throws Exception for a connection that fails; it is logged
     */
    void serve(C connection, PeerCredentials peer) throws Exception;
}
