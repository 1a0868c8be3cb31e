package org.imsg.privsep;

/**
 * The parent's answer to a child that breaks the rules. A child does so by bytes that are no message, a type without a handler, a
 * payload shorter than its handler reads, a message of the framework that is not its to send or comes out of turn, by leaving
 * so much unread that a {@linkplain PeerBounds bound} is reached, and by being {@linkplain org.imsg.privsep.ops.Limits dropped} by
 * its monitor. The log says so in any case. Between children, such messages
 * are logged and dropped, and a broken stream ends the connection.
 *
 * <p>An Error in a handler, a StackOverflowError for example, always kills the child whose message it handled.
 */
public enum OnViolation {
    /** The message is dropped. Where the stream itself is broken nothing after it can be trusted: then as {@link #DROP_CHILD}. */
    DROP_MESSAGE,
    /** The channel is closed; a child that does not end then gets SIGTERM and SIGKILL, each after its deadline. */
    DROP_CHILD,
    /** SIGKILL at once. The default. */
    KILL_CHILD
}
