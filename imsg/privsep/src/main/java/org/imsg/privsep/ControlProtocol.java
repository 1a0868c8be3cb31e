package org.imsg.privsep;

/**
 * The messages of a program's control socket, which {@link Privsep#control(java.nio.file.Path, java.util.function.Predicate)} opens and {@code imsg ctl}
 * speaks to. A request is one message. It is answered by any number of {@link #ENTRY}, then {@link #OK} or {@link #REFUSED}; further
 * requests may follow. Payloads are C strings: the text in UTF-8 and a NUL, or nothing.
 *
 * <p>An entry has a line for each value, a name and a value with a blank between them. Names, of which there will be more:
 * {@code name}, {@code role} and {@code state}; of a process {@code pid}, {@code uid}, {@code gid}, {@code uptime} (seconds), {@code threads}, {@code descriptors},
 * {@code memory} (resident KiB); {@code starts} (of processes so far); of its channel {@code messages-in}, {@code messages-out}, {@code bytes-in},
 * {@code bytes-out} (with headers), {@code queued-messages}, {@code queued-bytes}, {@code queued-descriptors}; {@code refusals} of what it asked for by its policy;
 * {@code filter}, {@code no-new-privs}, {@code capabilities} and {@code namespaces} (its own) as /proc shows them; of the parent
 * {@code landlock}, the version of Landlock that children are confined by, 0 if there is none. Of a verification: {@code differences}, their
 * number, and {@code difference-1} and so on in words, 20 at most; or {@code unseen}, why the kernel does not show
 * it to the parent; neither for a process that does not run.
 */
public final class ControlProtocol {
    /** The first type. */
    static final int FIRST = 0x4354_0000;
    /** Request: an entry for the parent and each process. */
    public static final int STATUS = FIRST + 1;
    /** Request: an entry for each process, held against what its role declares. */
    public static final int VERIFY = FIRST + 2;
    /** Request: the log has records of level DEBUG too, from now on. Payload: {@code verbose} or {@code brief}. */
    public static final int LOG = FIRST + 3;
    /** Request: the program reads its configuration again. */
    public static final int RELOAD = FIRST + 4;
    /** Request: a role is {@linkplain ParentProcess#up(String) started}. Payload: the role. */
    public static final int UP = FIRST + 5;
    /** Request: a role is {@linkplain ParentProcess#down(String) stopped}. Payload: the role. */
    public static final int DOWN = FIRST + 6;
    /** Request: a role is {@linkplain ParentProcess#restart(String) started anew}. Payload: the role. */
    public static final int RESTART = FIRST + 7;
    /** Request: the program is stopped. */
    public static final int STOP = FIRST + 8;

    /** Reply: some values. */
    public static final int ENTRY = FIRST + 0x100;
    /** Reply: done, or for a role begun. */
    public static final int OK = FIRST + 0x101;
    /** Reply: not done. Payload: why. */
    public static final int REFUSED = FIRST + 0x102;

    private ControlProtocol() {}
}
