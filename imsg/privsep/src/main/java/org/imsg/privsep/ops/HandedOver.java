package org.imsg.privsep.ops;

import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.imsg.unix.Fd;
import org.imsg.unix.Sockets;

/** The descriptors that a child has handed over and that are open: those that wait for their request, and those of requests. */
final class HandedOver {
    /** By peerid, then by their numbers. */
    private final Map<Integer, Map<Integer, Fd>> waiting = new HashMap<>();
    private final Set<Fd> open = new HashSet<>();

    /** Keeps a descriptor for a request; returns false, and does not, if it has one with that number or there are too many. */
    synchronized boolean keep(int peerid, int number, Fd fd) {
        return open.size() < Handed.MOST
                && waiting.computeIfAbsent(peerid, _ -> new HashMap<>()).putIfAbsent(number, fd) == null
                && open.add(fd);
    }

    /** Removes and returns the descriptors of a request; the request closes them. */
    synchronized Map<Integer, Fd> take(int peerid) {
        Map<Integer, Fd> own = waiting.remove(peerid);
        return own == null ? Map.of() : own;
    }

    /** Tells whether another message may be taken: descriptors that wait for their request do not keep it from coming. */
    synchronized boolean hasRoom() {
        return open.size() < Handed.MOST
                || open.size() == waiting.values().stream().mapToInt(Map::size).sum();
    }

    /** Closes descriptors of a request, each once, however often this is called. */
    void close(Collection<Fd> descriptors) {
        descriptors.forEach(Sockets::closeAtOnce);
        synchronized (this) {
            open.removeAll(descriptors);
        }
    }

    void closeAll() {
        close(all());
    }

    private synchronized List<Fd> all() {
        return List.copyOf(open);
    }
}
