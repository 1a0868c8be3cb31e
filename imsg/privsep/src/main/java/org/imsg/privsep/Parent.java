package org.imsg.privsep;

/**
 * What the parent of a privilege-separated program does: it keeps the rights, opens for its children what they cannot open, and
 * does little else.
 *
 * <p>{@link #start(ParentProcess)}, {@link #reload(ParentProcess)} and the handlers are called one at a time; one that waits keeps the others waiting.
 * {@link #finished(ParentProcess, Finish)} runs beside them.
 */
@FunctionalInterface
public interface Parent {
    /**
     * Called when every child is ready and has been told to start. Registers handlers for the children's messages, which wait until
     * this returns.
     *
     * @param self this process
     * @throws Exception to stop the program
     */
    void start(ParentProcess self) throws Exception;

    /**
     * Called on SIGHUP, or when {@link ParentProcess#reload()} was called: the children's {@link Role#reload(RoleProcess)} comes when this
     * has returned, and what is sent to them here is there before.
     *
     * @param self this process
     * @throws Exception logged; the children are told all the same
     */
    default void reload(ParentProcess self) throws Exception {
        // for programs with a configuration
    }

    /**
     * The finish hook: called when a child has ended and been waited for, in a thread of its own. The child starts again
     * only after this, or when {@link Deadlines#finish()} has passed: the thread is then interrupted and left alone.
     *
     * @param self this process
     * @param child which one, and how it ended
     * @throws Exception logged, and otherwise without effect
     */
    default void finished(ParentProcess self, Finish child) throws Exception {
        // the log has a line about it already
    }
}
