package org.imsg.peers.smtpd;

import java.util.List;
import java.util.Map;
import java.util.Set;

/** What an smtpd knows and does, for {@link SmtpdServer}; asked by several clients at once. */
public interface SmtpdService {
    /**
     * Takes a mail.
     *
     * @param mail what a client handed in
     */
    void deliver(Mail mail);

    /**
     * The mails that wait.
     *
     * @return one envelope for each recipient; smtpctl needs the fields smtpd's own have
     */
    default List<Envelope> queue() {
        return List.of();
    }

    /**
     * The counters.
     *
     * @return each by its name
     */
    default Map<String, Long> statistics() {
        return Map.of();
    }

    /**
     * Which parts are paused.
     *
     * @return those
     */
    default Set<Part> paused() {
        return Set.of();
    }

    /**
     * Pauses or resumes a part.
     *
     * @param part the part
     * @param paused true to pause it
     * @return false if it is so already
     */
    default boolean pause(Part part, boolean paused) {
        return false;
    }
}
