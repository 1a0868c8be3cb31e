package org.imsg.privsep.ops;

import java.io.IOException;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.locks.Lock;
import java.util.function.BooleanSupplier;
import java.util.function.IntConsumer;
import org.imsg.privsep.ops.PolicyPath.Place;
import org.imsg.unix.Errno;
import org.imsg.unix.ErrnoException;
import org.imsg.unix.Fd;

/**
 * A request, the rule that allows it, and all that its work may use.
 *
 * @param origin the rule's file and line
 * @param time the time the request asked for, zero for as long as the monitor allows
 * @param deadline when its answer is due, in terms of {@link System#nanoTime()}
 * @param over whether the answer is of no use any more
 */
record Permit<Q, R>(Q request, R rule, String origin, Host host, Asker asker, Duration time, long deadline,
        BooleanSupplier over) {
    /** The child that asked, for an operation that goes on. */
    interface Asker {
        /** Sends an answer before the last. */
        void send(Answer answer) throws IOException;

        /** Has signals delivered from now on, and at once those that came before. */
        void signals(IntConsumer receiver);

        /** The descriptors that came before the request, by their numbers; they are closed with its last answer. */
        default Map<Integer, Fd> handed() {
            return Map.of();
        }

        /** Closes them now, for an operation that goes on without them. */
        default void closeHanded() {}

        /** Notes that the child has shown a user's password. */
        default void authenticated(String user) {}

        /** Counts one more secret that the child shows; how many there were since it began, with this one. */
        default int tries() {
            return 1;
        }

        /** Tells whether it has, since it began. */
        default boolean hasAuthenticated(String user) {
            return false;
        }

        /** Held while a program of the child starts: one at a time, so that it takes one place among those that start any. */
        Lock starting();

        /** Writes a line about the child into the log. */
        void note(String text);
    }

    /** The same for another request and rule, which the child could have asked for too. */
    <P, S> Permit<P, S> as(P otherRequest, S otherRule) {
        return new Permit<>(otherRequest, otherRule, origin, host, asker, time, deadline, over);
    }

    /** Throws if the answer is of no use any more. */
    void requireTime(String call, Object subject) throws ErrnoException {
        Removal.requireTime(over, call, subject);
    }

    RefusedException refusal(String why) {
        return new RefusedException(origin, why + ", asked was to " + request);
    }

    /** Opens a place beneath the rule's directory, on its file system unless the rule says otherwise. */
    Fd open(Place place, int flags, int mode) throws IOException {
        try (Fd root = Beneath.directory(place.root())) {
            return host.beneath().open(root, place.relative(), flags, mode, place.mounts());
        } catch (ErrnoException e) {
            throw explained(e);
        }
    }

    /** Opens the directory that holds the last name of a place. */
    Fd parent(Place place) throws IOException {
        int slash = place.relative().lastIndexOf('/');
        return slash < 0
                ? Beneath.directory(place.root())
                : open(new Place(place.root(), place.relative().substring(0, slash), place.mounts()),
                        DirectoryEntries.LISTING, 0);
    }

    private IOException explained(ErrnoException e) {
        if (e.number() == Errno.number("EXDEV"))
            return refusal("something is mounted in the way");
        return Beneath.isEscape(e) ? refusal("there is a symbolic link in the way") : e;
    }
}
