package org.imsg.harness.conformance;

/** A case that could not look at what it is about. */
final class UntestedCase extends Exception {
    private static final long serialVersionUID = 1;

    UntestedCase(String reason) {
        super(reason);
    }
}
