package org.imsg.privsep;

import java.util.Objects;
import org.imsg.unix.Child;

/**
 * The end of a child.
 *
 * @param role its role
 * @param instance which of the role's processes, 0 or more
 * @param pid the process id it had
 * @param how its exit code, or the signal that ended it
 * @param stopping whether it had been told to end: the program stops, the child is re-executed or was dropped
 */
public record Finish(String role, int instance, int pid, Child.ExitStatus how, boolean stopping) {
    /** Checks that nothing is missing. */
    public Finish {
        Objects.requireNonNull(role);
        Objects.requireNonNull(how);
    }

    @Override
    public String toString() {
        return role + "[" + instance + "] (pid " + pid + ") "
                + (how.signal() == 0 ? "ended with code " + how.code() : "was ended by signal " + how.signal());
    }
}
