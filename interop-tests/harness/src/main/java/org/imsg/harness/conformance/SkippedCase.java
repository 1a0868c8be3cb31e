package org.imsg.harness.conformance;

/** A case that makes no sense for this daemon. */
final class SkippedCase extends Exception {
    private static final long serialVersionUID = 1;

    SkippedCase(String reason) {
        super(reason);
    }
}
