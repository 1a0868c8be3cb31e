package org.imsg.bench;

import java.util.List;

/**
 * What is measured in turns, so that a disturbance hits all alike.
 *
 * @param name as it appears in results
 * @param load what is sent
 * @param roundTrips whether one message goes there and back at a time; else messages go one way
 * @param intervalNanos from one ping to the next; 0 for as fast as they come back
 * @param pinning where both ends run
 * @param contenders who takes part
 */
public record Group(String name, Load load, boolean roundTrips, long intervalNanos, Pinning pinning,
        List<Contender> contenders) {}
