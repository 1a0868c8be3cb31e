package org.imsg.privsep;

import java.io.IOException;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.OptionalLong;
import org.imsg.privsep.rights.Ids;
import org.imsg.privsep.rights.Orphans;
import org.jspecify.annotations.Nullable;

/** The processes that a child leaves behind when it ends: in its control group, or by its user, adopted by the parent. */
final class LeftBehind implements AutoCloseable {
    private static final Duration MOMENT = Duration.ofMillis(50);
    private static final Duration PATIENCE = Duration.ofSeconds(2);
    /** The rest takes no longer than this: processes, and then a control group. */
    static final Duration LONGEST = PATIENCE.multipliedBy(2);

    private final System.Logger log;
    private @Nullable Orphans orphans;

    LeftBehind(System.Logger log) {
        this.log = log;
    }

    void adopt() {
        try {
            orphans = Orphans.adopt();
        } catch (IOException e) {
            log.log(Level.WARNING, "what children leave behind is not ended: " + Printable.line(e));
        }
    }

    /**
     * Kills them, in the supervising thread, which starts processes too: none of the same user comes meanwhile, but for
     * one that is starting as root and becomes its user by itself, which must not go with them. Those that fork faster than they are
     * killed one by one, because others have the same user, hold this thread up for a moment only.
     *
     * @return what is still to do before another process takes its place, which may take a while
     */
    Runnable end(Instance instance, ChildProcess child, boolean oneIsComing) {
        onGroup(instance, child::killGroup);
        Ids ids = instance.ids;
        OptionalLong uid = ids != null ? OptionalLong.of(ids.uid()) : instance.role.rights().uid();
        // Ids known at run time are those of a user who may be logged in.
        boolean none = orphans == null || uid.isEmpty()
                || ended(instance, () -> oneIsComing || ids != null
                        ? orphans.endOneByOne(uid.getAsLong(), MOMENT)
                        : orphans.end(uid.getAsLong(), MOMENT));
        return () -> {
            if (!none && !ended(instance, () -> orphans.endOneByOne(uid.getAsLong(), PATIENCE)))
                log.log(Level.ERROR, "processes that " + instance + " has left behind do not end");
            onGroup(instance, child::endGroup);
        };
    }

    private boolean ended(Instance instance, Ending ending) {
        try {
            return ending.run();
        } catch (IOException | RuntimeException | Error e) {
            log.log(Level.ERROR, "what " + instance + " has left behind cannot be ended: " + Printable.line(e));
            return false;
        }
    }

    private interface Ending {
        boolean run() throws IOException;
    }

    private interface GroupTask {
        void run() throws IOException;
    }

    private void onGroup(Instance instance, GroupTask task) {
        try {
            task.run();
        } catch (IOException | RuntimeException | Error e) {
            log.log(Level.ERROR, "the control group of " + instance + " cannot be ended: " + Printable.line(e));
        }
    }

    @Override
    public void close() {
        if (orphans != null)
            orphans.close();
    }
}
