package org.imsg.privsep;

import java.util.List;
import java.util.Set;

/** The parent, as {@link Parent} sees it. Made by {@link Privsep#run(String...)}. */
public final class ParentProcess extends Participant {
    private final Runnable stop;
    private final Runnable reload;

    ParentProcess(String program, List<String> arguments, Set<String> roles, Dispatch dispatch, Runnable stop,
            Runnable reload) {
        super(program, arguments, roles, dispatch);
        this.stop = stop;
        this.reload = reload;
    }

    /**
     * Stops the program in order: each child's channel is ended; one that does not end then gets SIGTERM and SIGKILL, each
     * after its deadline. {@link Privsep#run(String...)} returns when all have been waited for. Returns at once.
     */
    public void stop() {
        stop.run();
    }

    /** Lets the program read its configuration again, as SIGHUP does. Returns at once. */
    public void reload() {
        reload.run();
    }

    @Override
    public String toString() {
        return "parent of " + program();
    }
}
