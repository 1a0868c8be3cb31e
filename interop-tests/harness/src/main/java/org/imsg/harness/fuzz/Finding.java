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
 * @param question a request and its answer by the daemon when it was well; empty if it did not answer
 */
public record Finding(String complaint, long attempt, List<Event> found, List<Event> shrunk, boolean reproduced,
        List<Event> question) {
    /** Takes copies of the lists. */
    public Finding {
        found = List.copyOf(found);
        shrunk = List.copyOf(shrunk);
        question = List.copyOf(question);
    }

    /** {@return the shrunk exchange as a recording, to be replayed; connection 2 shows what a daemon that is well answers} */
    public Recording recording() {
        List<Event> events = new java.util.ArrayList<>();
        events.add(Event.note(0, 1, "afterwards " + complaint));
        events.addAll(shrunk);
        question.forEach(event -> events.add(event.at(0, 2)));
        return new Recording(java.time.Instant.now(), events);
    }
}
