package org.imsg.peers.bgpd;

import java.util.List;
import java.util.function.Consumer;

/** What a bgpd knows and does, for {@link BgpdServer}; asked by several clients at once. */
public interface BgpdService {
    /**
     * All neighbors.
     *
     * @return each; the server picks those a client asks for
     */
    List<Neighbor> neighbors();

    /**
     * The routes of a table.
     *
     * @param query which; all may be given, bgpctl shows what it gets
     * @param each receives every one
     */
    void routes(RibQuery query, Consumer<Route> each);

    /**
     * How many prefixes there are.
     *
     * @return 0 or more
     */
    default long prefixes() {
        return 0;
    }

    /**
     * Reads the configuration again.
     *
     * @return how it went
     */
    default Result reload() {
        return Result.DENIED;
    }

    /**
     * Sets how much is logged.
     *
     * @param verbosity 0 brief, 1 verbose, 2 more
     */
    default void logVerbose(int verbosity) {}

    /**
     * Announces a network.
     *
     * @param network the network
     */
    default void announce(Prefix network) {}

    /**
     * Withdraws a network that was announced.
     *
     * @param network the network
     */
    default void withdraw(Prefix network) {}

    /** Withdraws every network that was announced. */
    default void withdrawAll() {}
}
