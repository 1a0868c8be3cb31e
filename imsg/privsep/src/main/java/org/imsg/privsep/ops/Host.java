package org.imsg.privsep.ops;

import java.io.IOException;
import java.util.Optional;
import java.util.concurrent.ThreadFactory;
import org.imsg.privsep.rights.ControlGroups;
import org.imsg.privsep.rights.Confinement;
import org.imsg.unix.Child;

/**
 * The machine as a monitor uses it for all of its children.
 *
 * @param pam the directory of PAM's configuration, or empty for the system's
 */
record Host(Beneath beneath, NameFiles names, String pam, SystemClock clock, Launcher launcher, UserPool users,
        Optional<ControlGroups> groups, ThreadFactory threads) {
    /** Starts a child process that has no other rights than the confinement leaves it. */
    @FunctionalInterface
    interface Launcher {
        Child start(Child.Builder program, Confinement confinement) throws IOException;
    }

    /** Starts a platform thread, or throws OutOfMemoryError where the system has none left. */
    void startThread(String name, Runnable work) {
        Thread thread = threads.newThread(work);
        thread.setName("imsg-monitor-" + name);
        thread.start();
    }
}
