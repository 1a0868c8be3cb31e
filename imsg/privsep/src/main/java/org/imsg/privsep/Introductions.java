package org.imsg.privsep;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.imsg.Imsg;
import org.imsg.unix.Fd;

/** The channels to other processes that a child was sent, and those that it says did not arrive. */
final class Introductions {
    /** If these are lies, the other process has a channel more each time. */
    static final int MOST_LOSSES = 100;

    private final Map<Protocol.Introduction, Instance> sent = new ConcurrentHashMap<>();
    private int losses;

    /** The message that brings it a channel to that process. */
    Imsg to(Instance other, Fd end) {
        Protocol.Introduction introduction = new Protocol.Introduction(other.role.name(), other.number);
        sent.put(introduction, other);
        return introduction.connect(end);
    }

    /** The process that it had no room for a channel to. For the thread that reads what it sends. */
    Instance lost(Protocol.Introduction who) throws ViolationException {
        Instance other = sent.remove(who);
        if (other == null)
            throw new ViolationException("says that it lost a channel that it was not sent");
        if (++losses > MOST_LOSSES)
            throw new ViolationException("has lost more than " + MOST_LOSSES + " channels for want of descriptors");
        return other;
    }
}
