package org.imsg.fuzz;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.code_intelligence.jazzer.junit.FuzzTest;
import org.imsg.privsep.ops.Policy;
import org.imsg.privsep.ops.PolicyException;

/** A policy is read, or refused with a {@code PolicyException}; a word is quoted so that it reads as itself. */
class PolicyFuzzTest {
    @FuzzTest
    void a_policy_is_read_or_refused(byte[] text) {
        try {
            Policy.of(new String(text, UTF_8));
        } catch (PolicyException _) {
            // refused with the number of each wrong line
        }
    }
}
