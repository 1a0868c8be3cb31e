package org.imsg.peers.bgpd;

import java.util.ArrayList;
import java.util.List;

import org.imsg.Ibuf;

/** The AS path behind a {@code struct ctl_show_rib}: segments of a type, a count and numbers in network order. */
final class AsPath {
    private static final int SEQUENCE = 2;
    private static final int LONGEST_SEGMENT = 255;

    private AsPath() {}

    /** Takes everything that is left. */
    static List<Long> get(Ibuf rest) {
        List<Long> path = new ArrayList<>();
        while (rest.size() > 0) {
            rest.getN8(); // a set's members are listed like a sequence's
            for (int count = rest.getN8(); count > 0; count--)
                path.add(rest.getN32());
        }
        return path;
    }

    static void add(Ibuf to, List<Long> path) {
        for (int from = 0; from < path.size(); from += LONGEST_SEGMENT) {
            List<Long> segment = path.subList(from, Math.min(path.size(), from + LONGEST_SEGMENT));
            to.addN8(SEQUENCE).addN8(segment.size());
            segment.forEach(to::addN32);
        }
    }
}
