package org.imsg.harness.fuzz;

import java.util.List;
import org.imsg.harness.record.Event;
import org.imsg.harness.record.Recording;

/**
 * What a daemon did not survive.
 *
 * @param complaint what was wrong with the daemon afterwards
 * @param attempt the number of the attempt that found it, from 1
 * @param found what was said in that attempt
 * @param shrunk as little of it as still does it; the same as found if the daemon could not be started again
 * @param reproduced whether it did it a second time
 */
public record Finding(String complaint, long attempt, List<Event> found, List<Event> shrunk, boolean reproduced) {
    /** Takes copies of the lists. */
    public Finding {
        found = List.copyOf(found);
        shrunk = List.copyOf(shrunk);
    }

    /** {@return the shrunk exchange as a recording, to be replayed} */
    public Recording recording() {
        List<Event> events = new java.util.ArrayList<>();
        events.add(Event.note(0, 1, "afterwards " + complaint));
        events.addAll(shrunk);
        return new Recording(java.time.Instant.now(), events);
    }
}
