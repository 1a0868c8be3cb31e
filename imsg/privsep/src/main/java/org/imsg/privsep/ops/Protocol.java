package org.imsg.privsep.ops;

/**
 * The messages between a {@link Privileged} and its {@link Monitor}, version 1.
 *
 * <p>A request's peerid is the child's to choose, and free again after the last reply; any number of requests may be
 * outstanding, and replies carry the peerid of theirs. No request carries a descriptor. The pid in a header is not looked at:
 * who asks is known by the channel.
 *
 * <p>Numbers are in network order: n8, n16, n32, n64. A <i>string</i> is an n16 of bytes and as many bytes of UTF-8 without
 * NUL. A <i>list</i> is an n16 and as many strings. Every request begins with
 * {@code n8 version, n32 deadline in milliseconds} (0: as long as the monitor allows), and nothing follows the last field.
 *
 * <table class="striped">
 * <caption>Requests</caption>
 * <thead><tr><th scope="col">type</th><th scope="col">fields</th><th scope="col">last reply</th></tr></thead>
 * <tbody>
 * <tr><th scope="row">{@link #OPEN}</th><td>string path, n32 flags (bit n is the n-th {@link org.imsg.unix.OpenFlag}), n32 mode</td>
 * <td>DESCRIPTOR</td></tr>
 * <tr><th scope="row">{@link #BIND}</th><td>n8 kind (0 TCP, 1 UDP, 2 Unix stream, 3 Unix datagram), string address or path, n16 port,
 * n8 reuse, n32 backlog, n32 mode</td><td>DESCRIPTOR</td></tr>
 * <tr><th scope="row">{@link #CONNECT}</th><td>n8 kind, string address or path, n16 port</td><td>DESCRIPTOR</td></tr>
 * <tr><th scope="row">{@link #RUN}</th><td>string program, list arguments, list environment (NAME=value), string directory
 * (empty: the root)</td><td>STARTED, three STREAM, then EXITED</td></tr>
 * <tr><th scope="row">{@link #KILL}</th><td>n32 signal; the peerid is that of the RUN</td><td>none of its own</td></tr>
 * <tr><th scope="row">{@link #CHOWN}</th><td>string path, n32 uid, n32 gid</td><td>DONE</td></tr>
 * <tr><th scope="row">{@link #REMOVE}</th><td>string path</td><td>DONE</td></tr>
 * <tr><th scope="row">{@link #LOOKUP}</th><td>n8 kind (the number of the {@link Lookup}), string key, string second key</td>
 * <td>DONE or ABSENT</td></tr>
 * <tr><th scope="row">{@link #CLOCK}</th><td>n8 relative, n64 seconds (signed), n32 nanoseconds</td><td>DONE</td></tr>
 * </tbody>
 * </table>
 *
 * <table class="striped">
 * <caption>Replies</caption>
 * <thead><tr><th scope="col">type</th><th scope="col">fields</th></tr></thead>
 * <tbody>
 * <tr><th scope="row">{@link #DONE}</th><td>list of what was found</td></tr>
 * <tr><th scope="row">{@link #ABSENT}</th><td>none: nothing has that key</td></tr>
 * <tr><th scope="row">{@link #DESCRIPTOR}</th><td>none; the descriptor</td></tr>
 * <tr><th scope="row">{@link #STARTED}</th><td>n32 pid, n32 uid</td></tr>
 * <tr><th scope="row">{@link #STREAM}</th><td>n8 which (0 stdin, 1 stdout, 2 stderr); the descriptor of our end</td></tr>
 * <tr><th scope="row">{@link #EXITED}</th><td>n32 code, n32 signal (0: none)</td></tr>
 * <tr><th scope="row">{@link #REFUSED}</th><td>string rule, string reason</td></tr>
 * <tr><th scope="row">{@link #FAILED}</th><td>n32 errno (0: none), string call, string subject, string text</td></tr>
 * <tr><th scope="row">{@link #EXPIRED}</th><td>none: the deadline has passed</td></tr>
 * <tr><th scope="row">{@link #MALFORMED}</th><td>string: what was wrong with the message</td></tr>
 * </tbody>
 * </table>
 */
public final class Protocol {
    /** The version of the format described here, the first byte of every request. */
    public static final int VERSION = 1;

    /** The lowest type of all; a program that has messages of its own on the channel keeps below. */
    public static final int FIRST = 0x4F50_0000;
    /** The highest type of all. */
    public static final int LAST = 0x4F50_01FF;

    /** Opens a file. */
    public static final int OPEN = FIRST + 1;
    /** Makes a bound socket, listening if it is of a stream. */
    public static final int BIND = FIRST + 2;
    /** Makes a connected socket. */
    public static final int CONNECT = FIRST + 3;
    /** Runs a program under another user. */
    public static final int RUN = FIRST + 4;
    /** Sends a signal to a program that runs. */
    public static final int KILL = FIRST + 5;
    /** Changes the owner of a tree. */
    public static final int CHOWN = FIRST + 6;
    /** Removes a tree. */
    public static final int REMOVE = FIRST + 7;
    /** Looks up a name or a number. */
    public static final int LOOKUP = FIRST + 8;
    /** Sets the clock. */
    public static final int CLOCK = FIRST + 9;

    /** It is done; and what was found. */
    public static final int DONE = FIRST + 0x100;
    /** There is no such name. */
    public static final int ABSENT = FIRST + 0x101;
    /** Here is the descriptor. */
    public static final int DESCRIPTOR = FIRST + 0x102;
    /** The program runs. */
    public static final int STARTED = FIRST + 0x103;
    /** Here is one of its pipes. */
    public static final int STREAM = FIRST + 0x104;
    /** The program has ended. */
    public static final int EXITED = FIRST + 0x105;
    /** The policy does not allow it. */
    public static final int REFUSED = FIRST + 0x110;
    /** The system does not allow it, or something else went wrong. */
    public static final int FAILED = FIRST + 0x111;
    /** The deadline has passed. */
    public static final int EXPIRED = FIRST + 0x112;
    /** The message was no request. */
    public static final int MALFORMED = FIRST + 0x113;

    private Protocol() {}

    /**
     * Whether a message is one of these.
     *
     * @param type its type
     * @return true between {@link #FIRST} and {@link #LAST}
     */
    public static boolean isOurs(int type) {
        return type >= FIRST && type <= LAST;
    }
}
