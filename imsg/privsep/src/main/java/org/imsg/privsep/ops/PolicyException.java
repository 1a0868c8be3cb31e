package org.imsg.privsep.ops;

import java.util.List;

/** A policy has faults. The message has all of them, one a line, each with file, line number, and the words expected there. */
public final class PolicyException extends IllegalArgumentException {
    private static final long serialVersionUID = 1L;

    /** One text a fault. */
    private final transient List<String> faults;

    PolicyException(List<String> faults) {
        super(String.join("\n", faults));
        this.faults = List.copyOf(faults);
    }

    /**
     * Returns the faults.
     *
     * @return such as {@code /etc/builds.policy:3: expected read, write, append or create, not "raed"}, in the order of the lines
     */
    public List<String> faults() {
        return faults;
    }
}
