package org.imsg.fuzz;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.code_intelligence.jazzer.junit.FuzzTest;
import java.util.Arrays;
import org.imsg.harness.describe.ProtocolDescription;
import org.imsg.harness.record.Direction;

/** A description of types and structs is read, and reads any payload, or is refused with an {@code IllegalArgumentException}. */
class DescriptionFuzzTest {
    private static final int TYPES = 16;

    @FuzzTest
    void a_description_is_refused_or_reads_any_payload(byte[] input) {
        int end = 0;
        while (end < input.length && input[end] != 0)
            end++;
        ProtocolDescription description;
        try {
            description = ProtocolDescription.parse(new String(input, 0, end, UTF_8));
        } catch (IllegalArgumentException _) {
            return;
        }
        byte[] payload = Arrays.copyOfRange(input, end, input.length);
        for (int type = 0; type < TYPES; type++)
            for (Direction direction : Direction.values())
                description.payload(type, direction).ifPresent(struct -> {
                    struct.values(payload);
                    struct.sizeRemark(payload.length);
                });
    }
}
