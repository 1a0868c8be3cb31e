package org.imsg.harness.conformance;

import java.io.IOException;

/**
 * A case of the suite.
 *
 * @param group what it belongs to
 * @param name its name, in small letters with hyphens
 * @param inC what a daemon built on C imsg does
 * @param check does it; returns a remark on what was seen, or throws
 */
record Case(String group, String name, String inC, Check check) {
    @FunctionalInterface
    interface Check {
        String run(CaseContext context) throws IOException, CaseClient.Failed, SkippedCase;
    }
}
