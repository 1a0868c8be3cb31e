package org.imsg.bench.soak;

import java.util.List;
import java.util.OptionalLong;
import java.util.stream.Stream;
import org.imsg.harness.debian.Bgpd;

/** A real bgpd: three processes. */
record BgpdPart(Bgpd bgpd) implements Watched {
    static final long AS = 65001;
    /** It does not answer. Without any neighbor bgpd 7.7 tells no routes. */
    static final Bgpd.ConfiguredNeighbor NEIGHBOR = new Bgpd.ConfiguredNeighbor("127.0.0.2", 65002, "nobody");

    @Override
    public String name() {
        return "bgpd";
    }

    @Override
    public List<Long> pids() {
        return ProcessHandle.of(bgpd.process().pid()).stream()
                .flatMap(parent -> Stream.concat(Stream.of(parent), parent.descendants())).map(ProcessHandle::pid)
                .toList();
    }

    @Override
    public OptionalLong heap() {
        return OptionalLong.empty();
    }

    @Override
    public void close() {
        bgpd.close();
    }
}
