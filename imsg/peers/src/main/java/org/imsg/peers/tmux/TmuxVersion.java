package org.imsg.peers.tmux;

import org.imsg.Imsg;
import org.imsg.ImsgChannel;
import org.imsg.WireFormat;
import org.imsg.peers.UnknownVersionException;
import org.imsg.peers.Upstream;

/** The versions of tmux whose messages are known. All speak protocol 8. */
public enum TmuxVersion {
    /** tmux 3.3a, as in Debian 12. */
    V3_3A("3.3a", WireFormat.CLASSIC),
    /** tmux 3.5a, as in Debian 13. */
    V3_5A("3.5a", WireFormat.CLASSIC),
    /** tmux 3.7c. */
    V3_7C("3.7c", WireFormat.MODERN);

    /** The protocol version in the id of every message. */
    static final int PROTOCOL = 8;

    static final int VERSION = 12;
    static final int IDENTIFY_TERM = 101;
    static final int IDENTIFY_TTYNAME = 102;
    static final int IDENTIFY_STDIN = 104;
    static final int IDENTIFY_DONE = 106;
    static final int IDENTIFY_CLIENTPID = 107;
    static final int IDENTIFY_CWD = 108;
    static final int IDENTIFY_STDOUT = 110;
    static final int IDENTIFY_LONGFLAGS = 111;
    static final int COMMAND = 200;
    static final int DETACH = 201;
    static final int EXIT = 203;
    static final int EXITED = 204;
    static final int EXITING = 205;
    static final int SHUTDOWN = 210;
    static final int FLAGS = 218;
    static final int READ_OPEN = 300;
    static final int READ = 301;
    static final int READ_DONE = 302;
    static final int WRITE_OPEN = 303;
    static final int WRITE = 304;
    static final int WRITE_READY = 305;
    static final int WRITE_CLOSE = 306;
    static final int READ_CANCEL = 307;

    private final String name;
    private final WireFormat format;

    TmuxVersion(String name, WireFormat format) {
        this.name = name;
        this.format = format;
    }

    /**
     * Checks that a message is one that servers send.
     *
     * @throws IllegalArgumentException if it has another type
     */
    static Imsg known(Imsg message) {
        int type = message.type();
        if (type < DETACH || type > FLAGS && type < READ_OPEN || type > READ_CANCEL)
            throw new IllegalArgumentException("no tmux server sends type " + Integer.toUnsignedString(type));
        return message;
    }

    /**
     * Finds a version.
     *
     * @param version as {@code tmux -V} or a package names it, such as {@code 3.5a} or {@code 3.5a-3}
     * @return the version
     * @throws UnknownVersionException if its messages are not known here
     */
    public static TmuxVersion of(String version) {
        for (TmuxVersion known : values()) {
            if (known.name.equals(Upstream.of(version)))
                return known;
        }
        throw new UnknownVersionException("tmux", version, (Object[]) values());
    }

    ImsgChannel prepare(ImsgChannel channel) {
        return channel.format(format).allowFdPassing();
    }

    /** The version as tmux says it. */
    @Override
    public String toString() {
        return name;
    }
}
