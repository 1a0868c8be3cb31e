package org.imsg.privsep;

import com.code_intelligence.jazzer.junit.FuzzTest;
import java.util.Arrays;
import org.imsg.Imsg;

/** What a child says to the framework is read, or a violation. */
class ProtocolFuzzTest {
    private static final int MOST = 16_368;

    @FuzzTest
    void what_a_child_says_is_read_or_a_violation(byte[] input) {
        byte[] payload = Arrays.copyOf(input, Math.min(input.length, MOST));
        try {
            Protocol.Record.of(Imsg.of(Protocol.LOG, 0, 0, payload));
        } catch (ViolationException _) {
            // said to the log, and the end of the child
        }
        try {
            Protocol.checkReady(Imsg.of(Protocol.READY, 0, 0, payload));
        } catch (ViolationException _) {
            // the same
        }
    }
}
