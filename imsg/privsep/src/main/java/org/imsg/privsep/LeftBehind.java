package org.imsg.privsep;

import java.io.IOException;
import java.lang.System.Logger.Level;
import java.util.OptionalLong;
import org.imsg.privsep.rights.Orphans;
import org.jspecify.annotations.Nullable;

/** The processes that a child leaves behind when it ends: in its control group, or by its user, adopted by the parent. */
final class LeftBehind implements AutoCloseable {
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
     * one that is starting as root and becomes its user by itself, which must not go with them.
     */
    void end(Instance instance, ChildProcess child, boolean oneIsComing) {
        onGroup(instance, child::killGroup);
        OptionalLong uid = instance.role.rights().uid();
        if (orphans == null || instance.ids == null && uid.isEmpty())
            return;
        try {
            // Ids known at run time are those of a user who may be logged in.
            boolean ended = oneIsComing || instance.ids != null
                    ? orphans.endOneByOne(instance.ids != null ? instance.ids.uid() : uid.getAsLong())
                    : orphans.end(uid.getAsLong());
            if (!ended)
                log.log(Level.ERROR, "processes that " + instance + " has left behind do not end");
        } catch (IOException | RuntimeException | Error e) {
            log.log(Level.ERROR, "what " + instance + " has left behind cannot be ended: " + Printable.line(e));
        }
    }

    /** Removes its control group, which may take a while. */
    void endGroup(Instance instance, ChildProcess child) {
        onGroup(instance, child::endGroup);
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
