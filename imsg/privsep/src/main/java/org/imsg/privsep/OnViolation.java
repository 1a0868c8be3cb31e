package org.imsg.privsep;

/**
 * What the parent does about a child that breaks the rules: sends what is no message, a type that nobody handles, a payload
 * that is shorter than its handler reads, or a message of the framework that is not its to send. It is logged in any case. Between children, nonsense is logged and dropped,
 * and a broken stream ends the connection.
 */
public enum OnViolation {
    /** The message is dropped. Where the stream itself is broken nothing after it can be trusted: then as {@link #DROP_CHILD}. */
    DROP_MESSAGE,
    /** The channel is closed; a child that does not end then gets SIGTERM and SIGKILL, each after its deadline. */
    DROP_CHILD,
    /** SIGKILL at once. The default. */
    KILL_CHILD
}
