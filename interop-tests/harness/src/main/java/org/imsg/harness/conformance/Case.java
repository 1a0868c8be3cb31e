package org.imsg.harness.conformance;

import java.io.IOException;
import java.util.function.Predicate;

/**
 * A case of the suite.
 *
 * @param group what it belongs to
 * @param name its name, in small letters with hyphens
 * @param inC what a daemon built on C imsg does
 * @param applies whether it makes sense for a daemon
 * @param check does it; returns a remark on what was seen, or throws
 */
record Case(String group, String name, String inC, Predicate<CaseContext> applies, Check check) {
    @FunctionalInterface
    interface Check {
        String run(CaseContext context) throws IOException, CaseClient.Failed, UntestedCase;
    }

    /** A case that makes sense for every daemon. */
    Case(String group, String name, String inC, Check check) {
        this(group, name, inC, _ -> true, check);
    }
}
