package org.imsg.privsep.ops;

/**
 * The messages between a {@link Privileged} and its {@link Monitor}, version 1. The methods of {@link Privileged} say which
 * request each of them sends, and with which fields.
 *
 * <p>A request's peerid is the child's choice, and free again after the last reply. Any number of requests may be outstanding,
 * and replies carry the peerid of theirs. No message but {@link #HANDED} carries a descriptor to the monitor. The pid in a header is not looked at: the channel
 * says who asks.
 *
 * <p>Numbers are in network order: n8, n16, n32, n64. A <i>string</i> is an n16 of bytes and as many bytes of UTF-8 without
 * NUL. A <i>list</i> is an n16 and as many strings. Every request has the type {@link #FIRST} plus its number, begins with
 * {@code n8 version, n32 deadline in milliseconds} (0: as long as the monitor allows), and ends with its last field.
 *
 * <table class="striped">
 * <caption>Replies</caption>
 * <thead><tr><th scope="col">type</th><th scope="col">fields</th></tr></thead>
 * <tbody>
 * <tr><th scope="row">{@link #DONE}</th><td>list of what was found</td></tr>
 * <tr><th scope="row">{@link #ABSENT}</th><td>none</td></tr>
 * <tr><th scope="row">{@link #DESCRIPTOR}</th><td>none; the descriptor</td></tr>
 * <tr><th scope="row">{@link #STARTED}</th><td>n32 pid, n32 uid</td></tr>
 * <tr><th scope="row">{@link #STREAM}</th><td>n8 which (0 stdin, 1 stdout, 2 stderr); the descriptor of the child's end</td></tr>
 * <tr><th scope="row">{@link #EXITED}</th><td>n32 code, n32 signal (0: none)</td></tr>
 * <tr><th scope="row">{@link #REFUSED}</th><td>string rule, string reason</td></tr>
 * <tr><th scope="row">{@link #FAILED}</th><td>n32 errno (0: none), string call, string subject, string text</td></tr>
 * <tr><th scope="row">{@link #EXPIRED}</th><td>none</td></tr>
 * <tr><th scope="row">{@link #MALFORMED}</th><td>string: the fault of the message</td></tr>
 * </tbody>
 * </table>
 */
public final class OperationProtocol {
    /** The version of the format described here, the first byte of every request. */
    public static final int VERSION = 1;

    /** The lowest type of all. A program that has messages of its own on the channel keeps below. */
    public static final int FIRST = 0x4F50_0000;
    /** The highest type of all. */
    public static final int LAST = 0x4F50_01FF;

    /** A request: sends a signal to the program that the request with the same peerid has started. */
    public static final int SIGNAL = FIRST + 5;

    /**
     * A message before a request to run a program, with its peerid: carries the descriptor that the program has under a number (n8,
     * 3 to 255). At most 16 wait for their requests. No reply follows.
     */
    public static final int HANDED = FIRST + 0xF0;

    /** A reply: the request is done; with what was found. */
    public static final int DONE = FIRST + 0x100;
    /** A reply: nothing has that name. */
    public static final int ABSENT = FIRST + 0x101;
    /** A reply: the descriptor asked for. */
    public static final int DESCRIPTOR = FIRST + 0x102;
    /** A reply: the program runs. */
    public static final int STARTED = FIRST + 0x103;
    /** A reply: one of the program's pipes. */
    public static final int STREAM = FIRST + 0x104;
    /** A reply: the program has ended. */
    public static final int EXITED = FIRST + 0x105;
    /** A reply: the policy does not allow it. */
    public static final int REFUSED = FIRST + 0x110;
    /** A reply: the system does not allow it, or something else went wrong. */
    public static final int FAILED = FIRST + 0x111;
    /** A reply: the deadline has passed. */
    public static final int EXPIRED = FIRST + 0x112;
    /** A reply: the message was no request. */
    public static final int MALFORMED = FIRST + 0x113;

    private OperationProtocol() {}

    /**
     * Tells whether a message is one of these.
     *
     * @param type its type
     * @return true between {@link #FIRST} and {@link #LAST}
     */
    public static boolean isOurs(int type) {
        return type >= FIRST && type <= LAST;
    }
}
